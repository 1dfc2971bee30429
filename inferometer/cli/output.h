#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace ifm {

/// JSON whose keys stay in the order in which they were added.
using Json = nlohmann::ordered_json;

/// A number that may be unknown: null, as are NaN and infinities.
[[nodiscard]] Json json_or_null(const std::optional<double>& value);
/// A text that may be unknown (empty): null.
[[nodiscard]] Json json_or_null(const std::string& value);
/// Prints a JSON document to standard output, indented; text that is not UTF-8 becomes U+FFFD.
void print_json(const Json& document);

/// A table for people: columns aligned, numbers to the right unless told otherwise.
class TextTable {
 public:
  enum class Numbers { to_the_right, as_words };
  explicit TextTable(std::vector<std::string> header, Numbers numbers = Numbers::to_the_right)
      : rows_{std::move(header)}, numbers_(numbers) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// As Markdown, `| a | b |`, so that it can be pasted into an issue.
  [[nodiscard]] std::string markdown() const;
  /// Aligned by spaces; without header line when all its cells are empty.
  [[nodiscard]] std::string plain() const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths() const;
  [[nodiscard]] std::string padded(const std::string& text, std::size_t width) const;
  std::vector<std::vector<std::string>> rows_;
  Numbers numbers_;
};

/// Columns that a UTF-8 text takes on a terminal (one per character).
[[nodiscard]] std::size_t columns_of(std::string_view text);

}  // namespace ifm
