#include "inferometer/cli/output.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

namespace ifm {
namespace {

/// "12.3", "-5", "8.1 ± 0.2" and "-" stand to the right, words to the left.
bool is_number(std::string_view text) {
  if (text == "-") return true;
  return !text.empty() && (std::string_view("0123456789").find(text.front()) != std::string_view::npos ||
                           (text.front() == '-' && text.size() > 1 && text[1] >= '0' && text[1] <= '9'));
}

}  // namespace

Json json_or_null(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

Json json_or_null(const std::string& value) {
  if (value.empty()) return nullptr;
  return value;
}

void print_json(const Json& document) { fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace)); }

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

std::string TextTable::padded(const std::string& text, std::size_t width) const {
  const std::string space(width - std::min(width, columns_of(text)), ' ');
  return numbers_ == Numbers::to_the_right && is_number(text) ? space + text : text + space;
}

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> out;
  for (const auto& row : rows_) {
    out.resize(std::max(out.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) out[i] = std::max(out[i], columns_of(row[i]));
  }
  return out;
}

std::string TextTable::markdown() const {
  const std::vector<std::size_t> width = widths();
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    out += '|';
    for (std::size_t i = 0; i < width.size(); ++i)
      out += fmt::format(" {} |", padded(i < rows_[r].size() ? rows_[r][i] : "", width[i]));
    out += '\n';
    if (r > 0) continue;
    out += '|';
    for (std::size_t i = 0; i < width.size(); ++i) {
      const bool right = rows_.size() > 1 && i < rows_[1].size() && is_number(rows_[1][i]);
      out += fmt::format(" {:->{}}{} |", "", width[i] - 1, right ? ":" : "-");
    }
    out += '\n';
  }
  return out;
}

std::string TextTable::plain() const {
  const std::vector<std::size_t> width = widths();
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    if (r == 0 && std::all_of(rows_[0].begin(), rows_[0].end(), [](const std::string& cell) { return cell.empty(); })) continue;
    std::string line;
    for (std::size_t i = 0; i < rows_[r].size(); ++i) line += (i > 0 ? "  " : "") + padded(rows_[r][i], width[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace ifm
