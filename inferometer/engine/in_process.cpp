#include "inferometer/engine/in_process.h"

#include <algorithm>
#include <limits>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr int kDefaultContext = 4096;

}  // namespace

SamplerConfig sampler_config_of(const SamplingParams& p) {
  return {.temperature = p.temperature,
          .top_k = p.top_k,
          .top_p = p.top_p,
          .min_p = p.min_p,
          .repetition_penalty = p.repetition_penalty,
          .presence_penalty = p.presence_penalty,
          .frequency_penalty = p.frequency_penalty,
          .seed = p.seed};
}

std::vector<ChatMessage> chat_of(const std::vector<PromptMessage>& messages) {
  std::vector<ChatMessage> chat;
  chat.reserve(messages.size());
  for (const PromptMessage& message : messages) chat.push_back({message.role, message.content});
  return chat;
}

int context_for(int asked, int64_t model_context, const std::string& name) {
  const auto limit = static_cast<int>(std::min<int64_t>(model_context, std::numeric_limits<int>::max()));
  if (asked > limit) fail(ErrorKind::usage, "{}: a context of {} tokens is more than the model's {}", name, asked, limit);
  return asked > 0 ? asked : std::min(limit, kDefaultContext);
}

void check_fits(std::size_t prompt, int max_tokens, int64_t context) {
  if (prompt == 0) fail(ErrorKind::usage, "prompt: empty (expected at least one token)");
  // The last sampled id is not evaluated, so it needs no place.
  if (static_cast<int64_t>(prompt) + max_tokens - 1 > context) {
    fail(ErrorKind::resource, "context: {} prompt tokens and {} new ones do not fit the context of {} tokens", prompt, max_tokens,
         context);
  }
}

}  // namespace ifm
