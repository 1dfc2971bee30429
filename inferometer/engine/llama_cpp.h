#pragma once

#include <memory>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"
#include "inferometer/engine/status.h"

namespace ifm {

/// llama.cpp in this process, through its C interface: any GGUF that it loads, its own tokenizer, our sampler. Where the build
/// has no llama.cpp (no_llama_cpp.cpp), llama_cpp_status() says what to install and make_llama_cpp_engine() fails with that
/// sentence.
[[nodiscard]] EngineStatus llama_cpp_status();
[[nodiscard]] std::unique_ptr<Engine> make_llama_cpp_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
