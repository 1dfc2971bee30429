#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "inferometer/format/gguf.h"

namespace ifm {

/// What the first bytes of a GGUF file tell about the model: the metadata before the tokenizer's.
class GgufHead {
 public:
  /// How many bytes are enough for any model's.
  static constexpr std::size_t kBytes = std::size_t{1} << 20;

  /// bytes: the file's first kBytes, or all of it. subject: what messages name.
  /// @throws Error invalid_data when they are no GGUF file's.
  [[nodiscard]] static GgufHead read(std::span<const std::byte> bytes, const std::string& subject);

  /// general.architecture; empty when it is not said.
  [[nodiscard]] std::string architecture() const;
  /// The value of "ARCHITECTURE.key"; nullopt when it is absent or no whole number from 0 to 2^31 - 1.
  [[nodiscard]] std::optional<int64_t> number(const std::string& key) const;

 private:
  std::map<std::string, GgufValue, std::less<>> metadata_;
};

}  // namespace ifm
