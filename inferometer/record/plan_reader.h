#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/record/yaml_tree.h"

namespace ifm {

/// A value of a plan and its name for messages ("timeouts.gap_s", "prompts[2].id").
struct PlanField {
  const YamlNode* node = nullptr;
  std::string name;
};

/// Reads values strictly: nothing is coerced, and each error names file, line, field, what was expected and what was found.
/// All members throw Error usage.
class PlanReader {
 public:
  explicit PlanReader(std::string file_name) : file_name_(std::move(file_name)) {}

  /// One line of text without control characters, not empty, at most `max_bytes`.
  [[nodiscard]] std::string label(const PlanField& field, std::size_t max_bytes = 200) const;
  /// Any text, not empty.
  [[nodiscard]] std::string text(const PlanField& field) const;
  [[nodiscard]] int64_t integer(const PlanField& field, int64_t low, int64_t high) const;
  [[nodiscard]] double number(const PlanField& field, double low, double high) const;
  [[nodiscard]] bool boolean(const PlanField& field) const;
  /// The index of the word in `words`.
  [[nodiscard]] int word(const PlanField& field, std::span<const std::string_view> words) const;
  [[nodiscard]] int word(const PlanField& field, std::initializer_list<std::string_view> words) const {
    return word(field, std::span(words.begin(), words.size()));
  }
  /// The items of a list; a single value counts as a list of one. Never empty.
  [[nodiscard]] std::vector<PlanField> list(const PlanField& field) const;
  /// Checks that the field is a mapping and that each key is known; the nearest known key is suggested.
  void require_keys(const PlanField& field, std::span<const std::string_view> known) const;
  void require_keys(const PlanField& field, std::initializer_list<std::string_view> known) const {
    require_keys(field, std::span(known.begin(), known.size()));
  }
  /// The value of a key that must be there.
  [[nodiscard]] PlanField required(const PlanField& map, std::string_view key) const;
  /// The value of a key; `node` is null when it is not there.
  [[nodiscard]] PlanField optional(const PlanField& map, std::string_view key) const;
  [[noreturn]] void fail_at(const PlanField& field, const std::string& wrong) const;
  [[noreturn]] void fail_at_line(int line, const std::string& name, const std::string& wrong) const;

 private:
  std::string file_name_;
};

/// The word of `known` that is nearest to `word` by edit distance, if near enough to be meant; else empty.
[[nodiscard]] std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

}  // namespace ifm
