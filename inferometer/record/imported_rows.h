#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"

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

template <typename T>
[[nodiscard]] std::size_t place_of(const std::vector<T>& list, const T& item) {
  return static_cast<std::size_t>(std::find(list.begin(), list.end(), item) - list.begin());
}

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
