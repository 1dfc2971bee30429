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

const std::string& raw_text_of(const Request& request) {
  if (request.messages.size() != 1)
    fail(ErrorKind::usage, "prompt: a raw prompt is one text (got {} messages)", request.messages.size());
  return request.messages.front().content;
}

PromptIds encode_request(const ModelText& text, const Request& request) {
  if (request.form == PromptForm::chat) return text.encode_chat(chat_of(request.messages));
  return text.encode_raw(raw_text_of(request));
}

void flag_prompt(const PromptIds& prompt, Completion& completion) {
  if (prompt.doubled_bos) completion.flags.emplace_back("double_bos");
}

void check_tokenizer(const Tokenizer& tokenizer, int64_t rows, const std::filesystem::path& path) {
  if (tokenizer.vocab_size() <= rows) return;
  fail(ErrorKind::invalid_data, "{}: the tokenizer has ids up to {}, the embedding only {} rows", path.string(),
       tokenizer.vocab_size() - 1, rows);
}

void check_ids(std::span<const TokenId> ids, int64_t position, int64_t context, int64_t vocab) {
  if (ids.empty()) fail(ErrorKind::usage, "evaluation: no ids (expected at least one)");
  if (position + static_cast<int64_t>(ids.size()) > context) {
    fail(ErrorKind::resource, "context: {} positions and {} more do not fit the context of {} tokens", position, ids.size(),
         context);
  }
  for (const TokenId id : ids) {
    if (id < 0 || id >= vocab)
      fail(ErrorKind::usage, "evaluation: id {} is not in the vocabulary (expected 0 to {})", id, vocab - 1);
  }
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
