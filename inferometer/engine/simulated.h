#pragma once

#include <memory>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"
#include "inferometer/engine/status.h"

namespace ifm {

[[nodiscard]] EngineStatus simulated_status();

/// An engine that plays `options.simulated` on the clock that it is given: on a virtual clock every stamp is exact. The same
/// request seed gives the same times. Ids are 100, 101, …, each with the text "tok "; it never meets an EOS.
/// The clock must outlive the engine and its models.
[[nodiscard]] std::unique_ptr<Engine> make_simulated_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
