#pragma once

#include <memory>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"

namespace ifm {

/// The embedded engine in a child process of its own: every load() starts a fresh `inferometer worker` (options.program, or this
/// program). The cold mode and comparisons of builds use it. Token events are stamped here, when the pipe's bytes were read.
[[nodiscard]] std::unique_ptr<Engine> make_process_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
