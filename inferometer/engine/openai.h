#pragma once

#include <memory>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"
#include "inferometer/engine/status.h"

namespace ifm {

[[nodiscard]] EngineStatus openai_status();

/// A server that speaks OpenAI's protocol (options.server), streaming, over HTTP or HTTPS. load() needs no files; where the
/// model's are given, its tokenizer counts what the server sends. Events are stamped when the read of the socket returned.
/// @throws Error usage when there is neither an address nor a command.
[[nodiscard]] std::unique_ptr<Engine> make_openai_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
