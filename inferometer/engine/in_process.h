#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "inferometer/engine/engine.h"
#include "inferometer/model/sampler.h"
#include "inferometer/text/model_text.h"

namespace ifm {

/// What engines that compute in this process have in common, so that a request means the same to each.

[[nodiscard]] SamplerConfig sampler_config_of(const SamplingParams& params);
[[nodiscard]] std::vector<ChatMessage> chat_of(const std::vector<PromptMessage>& messages);

/// The context that an instance holds: what was asked for, else the model's, at most 4,096 tokens.
/// @throws Error usage when more was asked for than the model has.
[[nodiscard]] int context_for(int asked, int64_t model_context, const std::string& name);

/// The text of a raw prompt. @throws Error usage when the request has not exactly one message.
[[nodiscard]] const std::string& raw_text_of(const Request& request);
/// Ids of a request, through the chat template unless it is raw. @throws Error as ModelText and raw_text_of().
[[nodiscard]] PromptIds encode_request(const ModelText& text, const Request& request);
/// Says of an answer what was wrong with its prompt.
void flag_prompt(const PromptIds& prompt, Completion& completion);

/// @throws Error invalid_data when the tokenizer has ids that the embedding has no rows for.
void check_tokenizer(const Tokenizer& tokenizer, int64_t rows, const std::filesystem::path& path);

/// For evaluators: ids to evaluate after `position`. @throws Error usage for none or one outside the vocabulary, resource past
/// the context.
void check_ids(std::span<const TokenId> ids, int64_t position, int64_t context, int64_t vocab);

/// @throws Error usage for an empty prompt, resource when prompt and answer do not fit the context.
void check_fits(std::size_t prompt, int max_tokens, int64_t context);

}  // namespace ifm
