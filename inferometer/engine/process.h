#pragma once

#include <memory>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"
#include "inferometer/engine/status.h"

namespace ifm {

[[nodiscard]] EngineStatus process_status();

/// An engine (options.inner) in a child process of its own: every load() starts a fresh `inferometer worker` (options.program, or
/// this program). The cold mode and comparisons of builds use it. Token events are stamped here, when the pipe's bytes were read.
[[nodiscard]] std::unique_ptr<Engine> make_process_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
