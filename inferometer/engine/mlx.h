#pragma once

#include <memory>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"
#include "inferometer/engine/status.h"

namespace ifm {

/// MLX in this process: an MLX folder, its forward pass built from MLX operations, our tokenizer and sampler. Where the build has
/// no MLX (no_mlx.cpp), mlx_status() says what to install and make_mlx_engine() fails with that sentence.
[[nodiscard]] EngineStatus mlx_status();
[[nodiscard]] std::unique_ptr<Engine> make_mlx_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
