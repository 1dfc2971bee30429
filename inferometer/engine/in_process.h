#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "inferometer/engine/engine.h"
#include "inferometer/model/sampler.h"
#include "inferometer/text/chat_template.h"

namespace ifm {

/// What engines that compute in this process have in common, so that a request means the same to each.

[[nodiscard]] SamplerConfig sampler_config_of(const SamplingParams& params);
[[nodiscard]] std::vector<ChatMessage> chat_of(const std::vector<PromptMessage>& messages);

/// The context that an instance holds: what was asked for, else the model's, at most 4,096 tokens.
/// @throws Error usage when more was asked for than the model has.
[[nodiscard]] int context_for(int asked, int64_t model_context, const std::string& name);

/// @throws Error usage for an empty prompt, resource when prompt and answer do not fit the context.
void check_fits(std::size_t prompt, int max_tokens, int64_t context);

}  // namespace ifm
