#pragma once

#include <string>
#include <vector>

namespace ifm {

enum class Align { left, right };

/// A table of raw (not yet escaped) cells. Rows may be shorter than the header: what is absent is empty.
struct ReportTable {
  struct Column {
    std::string header;
    Align align = Align::right;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

/// The columns that hold something in at least one row; the others are not shown.
[[nodiscard]] std::vector<size_t> used_columns(const ReportTable& table);
/// A row's cell; empty where the row is shorter.
[[nodiscard]] std::string cell_of(const std::vector<std::string>& row, size_t column);

/// Aligned columns, two spaces apart, for a terminal; the header and each row on one line, each after `indent` spaces.
/// Cells are escaped; a column that is empty throughout is left out. No trailing spaces.
[[nodiscard]] std::vector<std::string> table_lines(const ReportTable& table, int indent);

/// The dashes below a column's head: the fewest, or three more than its widest cell has characters.
enum class ColumnDashes { three, by_width };
/// A pipe table; cells are escaped.
[[nodiscard]] std::string markdown_table(const ReportTable& table, ColumnDashes dashes = ColumnDashes::three);

/// A tabular for LaTeX with the rules of its package booktabs; cells are escaped.
[[nodiscard]] std::string latex_table(const ReportTable& table);

/// The cells as CSV, as they are shown.
[[nodiscard]] std::string csv_table(const ReportTable& table);

}  // namespace ifm
