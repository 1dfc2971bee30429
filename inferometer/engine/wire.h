#pragma once

#include <nlohmann/json.hpp>

#include "inferometer/engine/engine.h"

namespace ifm {

/// The lines that a worker (a child `inferometer worker`) and its parent exchange: one JSON object a line.
/// Parent: {"load": {…}} first; then {"generate": request} | {"encode": request} | {"decode": [ids]}.
/// Worker: {"info": …} once loaded; {"ids": […], "text": "…"} for each token event, {"done": completion}; {"ids": […]};
/// {"text": "…"}; or {"error": {"kind": "…", "message": "…"}}.
/// Times are ns of the steady clock, which parent and child share on one machine.
[[nodiscard]] nlohmann::json to_wire(const Request& request);
[[nodiscard]] nlohmann::json to_wire(const Completion& completion);
[[nodiscard]] nlohmann::json to_wire(const ModelInfo& info);
/// The options of the engine that the worker runs: options.inner becomes its kind.
[[nodiscard]] nlohmann::json to_wire(const EngineOptions& options);
/// The inverse of to_wire. @throws nlohmann::json::exception when a field is missing or of another type.
[[nodiscard]] Request request_from_wire(const nlohmann::json& json);
[[nodiscard]] Completion completion_from_wire(const nlohmann::json& json);
[[nodiscard]] ModelInfo info_from_wire(const nlohmann::json& json);
[[nodiscard]] EngineOptions options_from_wire(const nlohmann::json& json);

}  // namespace ifm
