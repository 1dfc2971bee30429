#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/text/tokenizer.h"

namespace ifm {

/// Finds added tokens ("<|im_start|>") in text: the leftmost, and of those that begin there the longest.
class AddedTokens {
 public:
  struct Match {
    std::size_t begin = 0;
    std::size_t size = 0;  ///< 0: nothing found
    TokenId id = -1;
  };

  /// `content` must not be empty.
  void add(std::string_view content, TokenId id, bool special);
  /// The first match at or after `from`. `special` plain: special ones do not count.
  [[nodiscard]] Match find(std::string_view text, std::size_t from, SpecialText special) const;
  [[nodiscard]] bool empty() const { return nodes_.size() == 1; }

 private:
  struct Node {
    std::vector<std::pair<uint8_t, int32_t>> edges;
    TokenId id = -1;
    bool special = false;
  };
  [[nodiscard]] int32_t child(int32_t node, uint8_t byte) const;
  [[nodiscard]] Match match_at(std::string_view text, std::size_t begin, SpecialText special) const;
  std::vector<Node> nodes_{1};
  bool starts_[256] = {};
};

}  // namespace ifm
