#pragma once

#include <memory>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"
#include "inferometer/engine/status.h"

namespace ifm {

[[nodiscard]] EngineStatus embedded_status();

/// Our own engine: mapped weights, our kernels, our tokenizer; needs nothing else.
/// `clock` must outlive the engine and its models.
[[nodiscard]] std::unique_ptr<Engine> make_embedded_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
