#pragma once

#include <functional>
#include <iosfwd>
#include <memory>

#include "inferometer/engine/engine.h"

namespace ifm {

/// Answers a parent's lines (see wire.h) until the input ends. Errors of a request are sent as a line, not thrown; a line that
/// breaks the protocol throws Error invalid_data. `make` makes the engine that loads the model.
void serve_worker(std::istream& input, std::ostream& output,
                  const std::function<std::unique_ptr<Engine>(const EngineOptions&)>& make);

}  // namespace ifm
