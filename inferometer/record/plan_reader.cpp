#include "inferometer/record/plan_reader.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/record/utf8_check.h"

namespace ifm {
namespace {

std::string found(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a mapping";
    case YamlNode::Kind::scalar:
      break;
  }
  return (node.quoted ? "the text " : "") + shown(node.text);
}

/// A JSON number, so that neither 012 nor 1:30 nor 0x10 nor 1_000 can mean something else than it says; else a discarded value.
nlohmann::json json_number(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::scalar || node.quoted) return nlohmann::json::value_t::discarded;
  const bool starts_well = !node.text.empty() && (node.text[0] == '-' || (node.text[0] >= '0' && node.text[0] <= '9'));
  if (!starts_well) return nlohmann::json::value_t::discarded;
  return nlohmann::json::parse(node.text, nullptr, false);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  if (word.size() > 100) return best;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

void PlanReader::fail_at_line(int line, const std::string& name, const std::string& wrong) const {
  fail(ErrorKind::usage, "{}:{}: {}: {}", file_name_, line, name, wrong);
}

void PlanReader::fail_at(const PlanField& field, const std::string& wrong) const {
  fail_at_line(field.node->line, field.name, wrong);
}

std::string PlanReader::text(const PlanField& field) const {
  if (field.node->kind != YamlNode::Kind::scalar || field.node->text.empty()) {
    const bool empty = field.node->kind == YamlNode::Kind::scalar;
    fail_at(field, fmt::format("not text (expected text, got {})", empty ? "nothing" : found(*field.node)));
  }
  return field.node->text;
}

std::string PlanReader::label(const PlanField& field, std::size_t max_bytes) const {
  std::string value = text(field);
  const bool printable = std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7F;
  });
  if (!printable || value.size() > max_bytes) {
    fail_at(field, fmt::format("not a name (expected one line of at most {} bytes, got {})", max_bytes, found(*field.node)));
  }
  return value;
}

int64_t PlanReader::integer(const PlanField& field, int64_t low, int64_t high) const {
  const nlohmann::json value = json_number(*field.node);
  const bool whole = value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{INT64_MAX});
  if (!whole || value.get<int64_t>() < low || value.get<int64_t>() > high) {
    fail_at(field, fmt::format("out of range (expected a whole number from {} to {}, got {})", low, high, found(*field.node)));
  }
  return value.get<int64_t>();
}

double PlanReader::number(const PlanField& field, double low, double high) const {
  const nlohmann::json value = json_number(*field.node);
  if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
    fail_at(field, fmt::format("out of range (expected a number from {} to {}, got {})", low, high, found(*field.node)));
  }
  return value.get<double>();
}

bool PlanReader::boolean(const PlanField& field) const {
  const YamlNode& node = *field.node;
  if (node.kind == YamlNode::Kind::scalar && !node.quoted && (node.text == "true" || node.text == "false")) {
    return node.text == "true";
  }
  fail_at(field, fmt::format("not a yes or no (expected true or false, got {})", found(node)));
}

int PlanReader::word(const PlanField& field, std::span<const std::string_view> words) const {
  if (field.node->kind == YamlNode::Kind::scalar) {
    const auto at = std::find(words.begin(), words.end(), field.node->text);
    if (at != words.end()) return static_cast<int>(at - words.begin());
  }
  fail_at(field, fmt::format("unknown (expected {}, got {})", fmt::join(words, " or "), found(*field.node)));
}

std::vector<PlanField> PlanReader::list(const PlanField& field) const {
  if (field.node->kind != YamlNode::Kind::list) return {field};
  if (field.node->items.empty()) fail_at(field, "an empty list makes 0 cells (expected at least one value, got [])");
  std::vector<PlanField> fields;
  for (std::size_t i = 0; i < field.node->items.size(); ++i) {
    fields.push_back({&field.node->items[i], fmt::format("{}[{}]", field.name, i)});
  }
  return fields;
}

void PlanReader::require_keys(const PlanField& field, std::span<const std::string_view> known) const {
  const YamlNode& node = *field.node;
  if (node.kind != YamlNode::Kind::map) {
    fail_at(field, fmt::format("not a mapping (expected {}: …, got {})", known.front(), found(node)));
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (std::find(known.begin(), known.end(), node.keys[i]) != known.end()) continue;
    const std::string_view near = nearest_word(node.keys[i], known);
    const std::string expected = near.empty() ? fmt::format("one of {}", fmt::join(known, ", ")) : std::string(near);
    const std::string where = field.name == "plan" ? "" : field.name + ".";
    fail_at_line(node.key_lines[i], where + node.keys[i].substr(0, 60),
                 fmt::format("unknown key (expected {}, got {})", expected, shown(node.keys[i])));
  }
}

PlanField PlanReader::optional(const PlanField& map, std::string_view key) const {
  const std::string where = map.name == "plan" ? "" : map.name + ".";
  return {map.node->find(key), where + std::string(key)};
}

PlanField PlanReader::required(const PlanField& map, std::string_view key) const {
  PlanField field = optional(map, key);
  if (field.node == nullptr) fail_at_line(map.node->line, field.name, "missing (expected it here, got nothing)");
  return field;
}

}  // namespace ifm
