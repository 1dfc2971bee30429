#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ifm {

/// A CSV file in the making: RFC 4180, UTF-8, line feed, one header line; numbers in the shortest text that reads back the
/// same, whatever the locale; what is missing is an empty field.
class CsvTable {
 public:
  /// `header` fixes the number of fields of each row.
  explicit CsvTable(std::vector<std::string> header);

  CsvTable& add(std::string_view text);
  CsvTable& add(const char* text) { return add(std::string_view(text)); }
  CsvTable& add(std::optional<double> number);
  CsvTable& add(double number) { return add(std::optional<double>(number)); }
  CsvTable& add_integer(std::optional<int64_t> number);
  CsvTable& add_unsigned(uint64_t number);
  CsvTable& add_missing();
  /// Ends the row; it must be full.
  void end_row();

  [[nodiscard]] const std::string& text() const { return text_; }
  /// The rows since the last call, for a file that does not stand in memory at once.
  [[nodiscard]] std::string take_text() { return std::exchange(text_, {}); }

 private:
  CsvTable& append(std::string_view field);

  size_t columns_;
  size_t filled_ = 0;
  std::string text_;
};

}  // namespace ifm
