#include "inferometer/render/table.h"

#include <algorithm>

#include <fmt/format.h>

#include "inferometer/render/display.h"
#include "inferometer/render/escape.h"

namespace ifm {
namespace {

std::string padded(const std::string& text, int width, Align align) {
  const std::string space(static_cast<size_t>(std::max(0, width - display_width(text))), ' ');
  return align == Align::right ? space + text : text + space;
}

/// Characters that a column's widest cell takes, its head included.
int column_width(const ReportTable& table, size_t column) {
  int width = display_width(table.columns[column].header);
  for (const auto& row : table.rows) width = std::max(width, display_width(cell_of(row, column)));
  return width;
}

/// A cell as a field: signs of numbers stay, which at the head of other text would begin a formula.
std::string csv_cell(const std::string& cell) {
  return cell.find_first_not_of("+-0123456789. %") == std::string::npos ? cell : escape_csv(cell);
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::vector<size_t> used_columns(const ReportTable& table) {
  std::vector<size_t> used;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const bool any = std::any_of(table.rows.begin(), table.rows.end(),
                                 [c](const std::vector<std::string>& row) { return c < row.size() && !row[c].empty(); });
    if (any) used.push_back(c);
  }
  return used;
}

std::string cell_of(const std::vector<std::string>& row, size_t column) { return column < row.size() ? row[column] : ""; }

std::vector<std::string> table_lines(const ReportTable& table, int indent) {
  const std::vector<size_t> used = used_columns(table);
  std::vector<std::string> lines(table.rows.size() + 1, std::string(static_cast<size_t>(indent), ' '));
  for (size_t i = 0; i < used.size(); ++i) {
    const ReportTable::Column& column = table.columns[used[i]];
    std::vector<std::string> cells{escape_terminal(column.header)};
    for (const auto& row : table.rows) cells.push_back(escape_terminal(cell_of(row, used[i])));
    int width = 0;
    for (const std::string& cell : cells) width = std::max(width, display_width(cell));
    for (size_t r = 0; r < cells.size(); ++r) lines[r] += (i > 0 ? "  " : "") + padded(cells[r], width, column.align);
  }
  for (std::string& line : lines) line = without_trailing_spaces(std::move(line));
  return lines;
}

std::string markdown_table(const ReportTable& table, ColumnDashes dashes) {
  const std::vector<size_t> used = used_columns(table);
  std::string out = "|";
  for (const size_t c : used) out += fmt::format(" {} |", escape_markdown(table.columns[c].header));
  out += "\n|";
  for (const size_t c : used) {
    constexpr int kFewest = 3;
    constexpr int kPadding = 3;  // a printed column has space at its sides
    const int wide = dashes == ColumnDashes::three ? kFewest : column_width(table, c) + kPadding;
    const bool right = table.columns[c].align == Align::right;
    out += fmt::format("{}{:-<{}}{}|", right ? "" : ":", "", wide, right ? ":" : "");
  }
  out += '\n';
  for (const auto& row : table.rows) {
    out += '|';
    for (const size_t c : used) out += fmt::format(" {} |", escape_markdown(cell_of(row, c)));
    out += '\n';
  }
  return out;
}

std::string latex_table(const ReportTable& table) {
  const std::vector<size_t> used = used_columns(table);
  std::string out = "\\begin{tabular}{";
  for (const size_t c : used) out += table.columns[c].align == Align::right ? 'r' : 'l';
  out += "}\n\\toprule\n";
  const auto add_row = [&](const auto& cell) {
    for (size_t i = 0; i < used.size(); ++i) out.append(i > 0 ? " & " : "").append(escape_latex(cell(used[i])));
    out += " \\\\\n";
  };
  add_row([&](size_t c) { return table.columns[c].header; });
  out += "\\midrule\n";
  for (const auto& row : table.rows) add_row([&](size_t c) { return cell_of(row, c); });
  return out + "\\bottomrule\n\\end{tabular}\n";
}

std::string csv_table(const ReportTable& table) {
  const std::vector<size_t> used = used_columns(table);
  std::string out;
  for (size_t i = 0; i < used.size(); ++i) out.append(i > 0 ? "," : "").append(escape_csv(table.columns[used[i]].header));
  out += '\n';
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < used.size(); ++i) out.append(i > 0 ? "," : "").append(csv_cell(cell_of(row, used[i])));
    out += '\n';
  }
  return out;
}

}  // namespace ifm
