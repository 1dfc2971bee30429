#include "inferometer/report/table.h"

#include <algorithm>

#include <fmt/format.h>

#include "inferometer/report/display.h"
#include "inferometer/report/escape.h"

namespace ifm {
namespace {

std::string padded(const std::string& text, int width, Align align) {
  const std::string space(static_cast<size_t>(std::max(0, width - display_width(text))), ' ');
  return align == Align::right ? space + text : text + space;
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

std::string markdown_table(const ReportTable& table) {
  const std::vector<size_t> used = used_columns(table);
  std::string out = "|";
  for (const size_t c : used) out += fmt::format(" {} |", escape_markdown(table.columns[c].header));
  out += "\n|";
  for (const size_t c : used) out += table.columns[c].align == Align::right ? "---:|" : ":---|";
  out += '\n';
  for (const auto& row : table.rows) {
    out += '|';
    for (const size_t c : used) out += fmt::format(" {} |", escape_markdown(cell_of(row, c)));
    out += '\n';
  }
  return out;
}

}  // namespace ifm
