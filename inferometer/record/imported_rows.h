#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/record/imported.h"

/// Reading other programs' rows.
namespace ifm {

/// The values of a field, each once, in the order in which rows have them.
template <typename Row, typename T>
[[nodiscard]] std::vector<T> in_order_seen(const std::vector<Row>& rows, T Row::*field) {
  std::vector<T> seen;
  for (const Row& row : rows) {
    if (std::find(seen.begin(), seen.end(), row.*field) == seen.end()) seen.push_back(row.*field);
  }
  return seen;
}

/// Gives runs their place in a session whose plan has all levels: order, cell, repeat and block, and the plan as many repeats as
/// a cell has runs at most.
class ImportedRuns {
 public:
  explicit ImportedRuns(ImportedSession& imported) : imported_(imported), cells_(expand_cells(imported.session.plan)) {
    imported.session.plan.repeats = 0;
  }
  void add(Run run) {
    const Plan& plan = imported_.session.plan;
    const auto cell = std::find_if(cells_.begin(), cells_.end(), [&](const Cell& c) {
      return plan.models[static_cast<std::size_t>(c.model)] == run.model &&
             plan.prompts[static_cast<std::size_t>(c.prompt)].id == run.prompt && c.max_tokens == run.max_tokens &&
             c.temperature == run.temperature;
    });
    IFM_CHECK(cell != cells_.end());
    run.order = static_cast<int>(imported_.runs.size());
    run.cell = cell->index;
    run.repeat = run.block = repeats_[run.cell]++;
    imported_.session.plan.repeats = std::max(plan.repeats, run.repeat + 1);
    imported_.runs.push_back(std::move(run));
  }

 private:
  ImportedSession& imported_;
  std::vector<Cell> cells_;
  std::map<int, int> repeats_;  ///< so far, by cell
};

/// @throws Error invalid_data.
[[nodiscard]] inline nlohmann::json parse_imported(std::string_view text, const std::string& name) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) fail(ErrorKind::invalid_data, "{}: not JSON, or cut off", name);
  return json;
}

[[nodiscard]] inline std::string imported_text(const nlohmann::json& row, const char* key, const std::string& where) {
  const auto found = row.find(key);
  if (found == row.end() || !found->is_string()) fail(ErrorKind::invalid_data, "{}: no {} (expected a text)", where, key);
  return found->get<std::string>();
}

/// A text that may be absent: "" then.
[[nodiscard]] inline std::string imported_text_or_empty(const nlohmann::json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// A finite number from `least` to 1e15.
[[nodiscard]] inline double imported_number(const nlohmann::json& row, const char* key, double least, const std::string& where) {
  constexpr double kMost = 1e15;
  const auto found = row.find(key);
  if (found == row.end() || !found->is_number()) fail(ErrorKind::invalid_data, "{}: no {} (expected a number)", where, key);
  const double value = found->get<double>();
  if (!(value >= least && value <= kMost))
    fail(ErrorKind::invalid_data, "{}: {} is {} (expected a number of {} or more)", where, key, value, least);
  return value;
}

/// A whole number from `least` to 1e9.
[[nodiscard]] inline int imported_count(const nlohmann::json& row, const char* key, int least, const std::string& where) {
  const double value = imported_number(row, key, least, where);
  if (value != std::floor(value) || value > 1e9)
    fail(ErrorKind::invalid_data, "{}: {} is {} (expected a whole number up to 1e9)", where, key, value);
  return static_cast<int>(value);
}

}  // namespace ifm
