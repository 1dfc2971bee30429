#include "inferometer/text/added_tokens.h"

#include "inferometer/base/check.h"

namespace ifm {

int32_t AddedTokens::child(int32_t node, uint8_t byte) const {
  for (const auto& [edge, target] : nodes_[static_cast<std::size_t>(node)].edges) {
    if (edge == byte) return target;
  }
  return -1;
}

void AddedTokens::add(std::string_view content, TokenId id, bool special) {
  IFM_CHECK(!content.empty());
  starts_[static_cast<uint8_t>(content[0])] = true;
  int32_t node = 0;
  for (const char c : content) {
    int32_t next = child(node, static_cast<uint8_t>(c));
    if (next < 0) {
      next = static_cast<int32_t>(nodes_.size());
      nodes_.emplace_back();
      nodes_[static_cast<std::size_t>(node)].edges.emplace_back(static_cast<uint8_t>(c), next);
    }
    node = next;
  }
  nodes_[static_cast<std::size_t>(node)].id = id;
  nodes_[static_cast<std::size_t>(node)].special = special;
}

AddedTokens::Match AddedTokens::match_at(std::string_view text, std::size_t begin, SpecialText special) const {
  Match best;
  int32_t node = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    node = child(node, static_cast<uint8_t>(text[i]));
    if (node < 0) break;
    const Node& reached = nodes_[static_cast<std::size_t>(node)];
    if (reached.id >= 0 && !(reached.special && special == SpecialText::plain)) best = {begin, i + 1 - begin, reached.id};
  }
  return best;
}

AddedTokens::Match AddedTokens::find(std::string_view text, std::size_t from, SpecialText special) const {
  if (empty()) return {};
  for (std::size_t i = from; i < text.size(); ++i) {
    if (!starts_[static_cast<uint8_t>(text[i])]) continue;
    const Match match = match_at(text, i, special);
    if (match.size > 0) return match;
  }
  return {};
}

}  // namespace ifm
