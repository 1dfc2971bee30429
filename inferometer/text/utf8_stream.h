#pragma once

#include <string>
#include <string_view>

namespace ifm {

/// Turns a stream of bytes into whole UTF-8 characters: what a character still lacks is held back.
class Utf8Stream {
 public:
  /// Appends bytes and returns what is complete now; an impossible byte becomes U+FFFD, as Python's errors="replace" does.
  [[nodiscard]] std::string push(std::string_view bytes);
  /// The end: what is held back becomes U+FFFD.
  [[nodiscard]] std::string finish();

 private:
  std::string held_;
};

}  // namespace ifm
