#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "inferometer/record/plan.h"
#include "inferometer/record/session.h"

namespace ifm {

/// A plan with everything resolved (prompts' texts, engines' ids), and back; doubles and 64-bit seeds survive exactly.
[[nodiscard]] nlohmann::ordered_json plan_to_json(const Plan& plan);
/// @throws nlohmann::json::exception when it is not what plan_to_json wrote.
[[nodiscard]] Plan plan_from_json(const nlohmann::json& json);

/// Unknown = null.
[[nodiscard]] nlohmann::ordered_json environment_to_json(const Environment& environment);
[[nodiscard]] Environment environment_from_json(const nlohmann::json& json);

/// A value, or null when it is unknown.
template <typename T>
[[nodiscard]] nlohmann::ordered_json nullable(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}
/// Text, or null when it is empty.
[[nodiscard]] nlohmann::ordered_json nullable(const std::string& text);

}  // namespace ifm
