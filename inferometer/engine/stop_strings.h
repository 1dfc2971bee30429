#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ifm {

/// Watches a text that grows for strings that end it.
class StopStrings {
 public:
  /// Empty strings never match.
  explicit StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
    std::erase_if(strings_, [](const std::string& s) { return s.empty(); });
    for (const std::string& s : strings_) longest_ = std::max(longest_, s.size());
  }

  /// Appends text and says whether a stop string has become complete.
  [[nodiscard]] bool push(std::string_view text) {
    if (strings_.empty()) return false;
    tail_ += text;
    const bool found = std::ranges::any_of(strings_, [this](const std::string& s) { return tail_.find(s) != std::string::npos; });
    if (tail_.size() >= longest_) tail_.erase(0, tail_.size() - (longest_ - 1));
    return found;
  }

 private:
  std::vector<std::string> strings_;
  std::string tail_;  // what a stop string that is not complete may have begun in
  std::size_t longest_ = 0;
};

}  // namespace ifm
