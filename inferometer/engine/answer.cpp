#include "inferometer/engine/answer.h"

#include <algorithm>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {

Answer::Answer(const Request& request, std::span<const TokenId> eos) : request_(request), eos_(eos), stops_(request.stop) {
  if (request.max_tokens <= 0) fail(ErrorKind::usage, "max_tokens: {} (expected 1 or more)", request.max_tokens);
}

std::string Answer::accept(TokenId id, std::string_view bytes) {
  IFM_CHECK(!finish_);
  const bool eos = !request_.ignore_eos && std::ranges::binary_search(eos_, id);
  std::string text = eos || bytes.empty() ? std::string() : utf8_.push(bytes);
  const bool stopped = stops_.push(text);
  const bool full = ++tokens_ == request_.max_tokens;
  if (eos || stopped || full) {
    text += utf8_.finish();
    finish_ = eos || stopped ? FinishReason::stop : FinishReason::length;
  }
  return text;
}

}  // namespace ifm
