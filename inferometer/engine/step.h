#pragma once

#include <span>

#include "inferometer/engine/generation.h"
#include "inferometer/model/llama.h"

namespace ifm {

/// Takes each generation one step further: prompts one after the other, then everything else in one pass. What a generation
/// draws does not depend on the others. None may be finished. @throws Error as the forward pass and Generation::take.
void step(Llama& llama, std::span<Generation* const> generations);

}  // namespace ifm
