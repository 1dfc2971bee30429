#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ifm {

/// A YAML document as plain data: what was written, where, and nothing coerced.
struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  int line = 0;                   ///< from 1
  std::string text;               ///< scalar: as written, quotes and escapes undone
  bool quoted = false;            ///< scalar: stood in quotes or in a block, so it can only be text
  std::vector<YamlNode> items;    ///< list: its items; map: its values
  std::vector<std::string> keys;  ///< map: unique, beside `items`
  std::vector<int> key_lines;     ///< map: beside `items`

  /// The value of a key; null when it is not there.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

/// Limits of what is read at all (FAULTS 54).
inline constexpr int kMaxYamlDepth = 32;
inline constexpr int kMaxYamlBytes = 1 << 20;

/// Parses one document of YAML. Anchors, aliases, tags, merge keys and non-text keys are refused, so that nothing can multiply
/// or change its meaning behind the reader's back.
/// @throws Error usage: "file:line: what is wrong (expected X, got Y)".
[[nodiscard]] YamlNode parse_yaml_tree(std::string_view yaml, const std::string& file_name);

}  // namespace ifm
