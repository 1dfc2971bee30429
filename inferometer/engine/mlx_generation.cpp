#include "inferometer/engine/mlx_generation.h"

#include <string>
#include <string_view>
#include <utility>

#include <mlx/memory.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "inferometer/base/error.h"
#include "inferometer/engine/in_process.h"

namespace mx = mlx::core;

namespace ifm {
namespace {

constexpr int kVocabAxis = 2;  // of (1, 1, vocab)
constexpr TokenId kNotFinite = -1;

/// Whether the id is the largest logit's, as it comes from the model. Filters keep that one.
bool is_argmax(const SamplingParams& p) {
  return p.temperature == 0 && p.repetition_penalty == 1 && p.presence_penalty == 0 && p.frequency_penalty == 0;
}

/// (1, 1) int32: the lowest id of the largest logits, or kNotFinite where the sampler would refuse them.
mx::array greedy_id(const mx::array& logits) {
  const mx::array largest = mx::astype(mx::argmax(logits, kVocabAxis), mx::int32);
  return mx::where(mx::all(mx::isfinite(logits)), largest, mx::array(kNotFinite));
}

}  // namespace

MlxGeneration::MlxGeneration(const MlxGenerationSetup& setup, const Request& request, std::vector<TokenId> prompt,
                             TokenSink& sink, StopToken stop, int64_t start_ns)
    : setup_(setup),
      request_(request),
      prompt_(std::move(prompt)),
      sink_(sink),
      stop_(std::move(stop)),
      sampler_(sampler_config_of(request.sampling), setup.kernels, setup.llama.config().vocab),
      answer_(request, setup.llama.config().eos),
      done_{.start_ns = start_ns, .prompt_tokens = static_cast<int>(prompt_.size())} {
  check_fits(prompt_.size(), request.max_tokens, setup.context);
  for (const TokenId id : prompt_) sampler_.accept(id);
}

Completion MlxGeneration::run() {
  setup_.cache.truncate(0);
  done_.prefill_begin_ns = setup_.clock.now_ns();
  const mx::array logits = setup_.llama.prefill(prompt_, setup_.cache);
  if (is_argmax(request_.sampling)) {
    run_in_flight(logits);
  } else {
    run_step_by_step(logits);
  }
  done_.finish = answer_.finish().value_or(FinishReason::cancelled);
  return done_;
}

void MlxGeneration::run_in_flight(const mx::array& prompt_logits) {
  mx::array id = greedy_id(prompt_logits);
  mx::async_eval(id);
  while (true) {
    std::optional<mx::array> next;
    if (answer_.tokens() + 1 < request_.max_tokens) {
      next = greedy_id(setup_.llama.forward(id, setup_.cache, Logits::last));
      mx::async_eval(*next);
    }
    const TokenId read = id.item<int32_t>();
    if (!done_.prefill_end_ns) done_.prefill_end_ns = setup_.clock.now_ns();
    if (read == kNotFinite) fail(ErrorKind::engine, "logits: not finite (NaN or infinity); the model or its weights are broken");
    accept(read);
    if (finished()) {
      // What was begun in vain must not run into the next request's times.
      if (next) mx::eval(*next);
      setup_.cache.truncate(done_.prompt_tokens + done_.output_tokens - 1);
      return;
    }
    id = *next;
  }
}

void MlxGeneration::run_step_by_step(const mx::array& prompt_logits) {
  mx::array logits = prompt_logits;
  while (true) {
    logits = mx::contiguous(logits);
    mx::eval(logits);
    if (!done_.prefill_end_ns) done_.prefill_end_ns = setup_.clock.now_ns();
    const TokenId id = sampler_.draw({logits.data<float>(), logits.size()});
    accept(id);
    if (finished()) return;
    logits = setup_.llama.forward(to_array({&id, 1}), setup_.cache, Logits::last);
  }
}

/// An id that is known here: what it says, who hears it, and whether it is the last.
void MlxGeneration::accept(TokenId id) {
  const int64_t now_ns = setup_.clock.now_ns();
  sampler_.accept(id);
  const Tokenizer& tokenizer = setup_.tokenizer;
  const std::string text = answer_.accept(id, tokenizer.is_special(id) ? std::string_view() : tokenizer.token_bytes(id));
  ++done_.output_tokens;
  done_.end_ns = now_ns;
  sink_.on_tokens({now_ns, {&id, 1}, text});
  cancelled_ = !answer_.finish() && stop_.stop_requested();
  // Freed buffers of shapes that do not come again; as often as in mlx-lm.
  if (done_.output_tokens % MlxCache::kStep == 0) mx::clear_cache();
}

}  // namespace ifm
