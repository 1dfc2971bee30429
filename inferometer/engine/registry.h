#pragma once

#include <memory>
#include <string>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"
#include "inferometer/engine/status.h"

namespace ifm {

/// Every engine that this program knows, present or absent.
[[nodiscard]] std::vector<EngineStatus> known_engines();

/// Whether such an engine computes in this process, so that a cold run of it needs a process of its own.
[[nodiscard]] bool lives_in_this_process(const EngineOptions& options);

/// @throws Error usage for an unknown kind, unsupported with the sentence of what to install for an absent one.
[[nodiscard]] std::unique_ptr<Engine> make_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
