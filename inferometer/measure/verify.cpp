#include "inferometer/measure/verify.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

/// Positions whose logits, (64, vocab), are in memory at once.
constexpr std::size_t kTogether = 64;

Evaluator& evaluator_of(Model& model) {
  Evaluator* evaluator = model.evaluator();
  if (evaluator == nullptr)
    fail(ErrorKind::unsupported, "verify: {}: its engine shows no logits (expected embedded, mlx or llama_cpp)",
         model.info().name);
  return *evaluator;
}

std::vector<TokenId> encode(Model& model, const std::string& text) {
  Request request{.form = PromptForm::raw, .messages = {{"user", text}}};
  return model.encode(request);
}

/// The id that the model puts in front of every text, if it does: what two texts that begin otherwise have in common.
std::optional<TokenId> begin_id(Model& model) {
  const std::vector<TokenId> one = encode(model, "a");
  const std::vector<TokenId> other = encode(model, "1");
  if (one.size() < 2 || other.size() < 2 || one.front() != other.front()) return std::nullopt;
  return one.front();
}

void check_finite(std::span<const float> logits, const Model& model) {
  if (!std::ranges::all_of(logits, [](float z) { return std::isfinite(z); }))
    fail(ErrorKind::engine, "verify: {}: logits that are not finite; the model or its weights are broken", model.info().name);
}

/// One execution of verify().
class Verification {
 public:
  Verification(Model& model, Model& reference, const VerifyOptions& options, const StopToken& stop,
               const std::function<void(int)>& progress)
      : model_(model), reference_(reference), options_(options), stop_(stop), progress_(progress) {
    if (side().vocab() != other().vocab()) {
      fail(ErrorKind::incomparable, "verify: {} gives logits of {} tokens, {} of {} (expected the same vocabulary)",
           model.info().name, side().vocab(), reference.info().name, other().vocab());
    }
  }

  void score_window(int window, std::span<const TokenId> inputs, std::span<const TokenId> targets) {
    side().reset();
    other().reset();
    const auto vocab = static_cast<std::size_t>(side().vocab());
    for (std::size_t begin = 0; begin < inputs.size(); begin += kTogether) {
      check_stop();
      const std::span<const TokenId> part = inputs.subspan(begin, std::min(kTogether, inputs.size() - begin));
      std::vector<float> kept(part.size() * vocab);
      other().score(part, [&](int index, std::span<const float> logits) {
        check_finite(logits, reference_);
        std::ranges::copy(logits, kept.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(index) * vocab));
      });
      side().score(part, [&](int index, std::span<const float> logits) {
        check_finite(logits, model_);
        const std::size_t at = begin + static_cast<std::size_t>(index);
        PositionAgreement agreement =
            compare_at(logits, std::span(kept).subspan(static_cast<std::size_t>(index) * vocab, vocab), targets[at]);
        agreement.window = window;
        agreement.position = static_cast<int>(at);
        found.positions.push_back(agreement);
      });
      did(static_cast<int>(part.size()));
    }
    found.target_bytes += static_cast<int64_t>(model_.decode(targets).size());
  }

  void continue_greedily(int prompt, std::span<const TokenId> ids) {
    side().reset();
    other().reset();
    side().prefill(ids);
    other().prefill(ids);
    ++found.continuations;
    for (int token = 0; token < options_.continue_tokens; ++token) {
      check_stop();
      const std::span<const float> z = side().logits();
      const std::span<const float> reference = other().logits();
      const TokenId id = top_of(z);
      const TokenId reference_id = top_of(reference);
      if (id != reference_id) {
        const auto a = static_cast<std::size_t>(id);
        const auto b = static_cast<std::size_t>(reference_id);
        found.divergences.push_back({.prompt = prompt,
                                     .token = token,
                                     .id = id,
                                     .reference_id = reference_id,
                                     .gap = static_cast<double>(z[a]) - z[b],
                                     .reference_gap = static_cast<double>(reference[b]) - reference[a]});
        did(options_.continue_tokens - token);
        return;
      }
      ++found.continued_tokens;
      did(1);
      if (token + 1 == options_.continue_tokens) return;
      side().step(id);
      other().step(id);
    }
  }

  Verified found;

 private:
  [[nodiscard]] Evaluator& side() { return evaluator_of(model_); }
  [[nodiscard]] Evaluator& other() { return evaluator_of(reference_); }
  void check_stop() const {
    if (stop_.stop_requested()) fail(ErrorKind::interrupted, "verify: interrupted");
  }
  void did(int units) {
    done_ += units;
    progress_(done_);
  }

  Model& model_;
  Model& reference_;
  const VerifyOptions& options_;
  const StopToken& stop_;
  const std::function<void(int)>& progress_;
  int done_ = 0;
};

}  // namespace

std::vector<TokenId> common_ids(Model& model, Model& reference, const std::string& text) {
  (void)evaluator_of(model);
  (void)evaluator_of(reference);
  std::vector<TokenId> ids = encode(model, text);
  const std::vector<TokenId> others = encode(reference, text);
  if (ids.empty() || others.empty())
    fail(ErrorKind::unsupported, "verify: {}: its engine shows no token ids", (ids.empty() ? model : reference).info().name);
  const auto parted = std::ranges::mismatch(ids, others);
  if (parted.in1 != ids.end() || parted.in2 != others.end()) {
    fail(ErrorKind::incomparable,
         "verify: the two models do not give the text the same tokens (the first {} of {} and {} are alike)",
         parted.in1 - ids.begin(), ids.size(), others.size());
  }
  return ids;
}

Verified verify(Model& model, Model& reference, std::span<const TokenId> ids, const VerifyOptions& options, const StopToken& stop,
                const std::function<void(int)>& progress) {
  Verification work(model, reference, options, stop, progress);
  const std::optional<TokenId> begin = begin_id(model);
  if (begin && !ids.empty() && ids.front() == *begin) ids = ids.subspan(1);
  const std::size_t of_begin = begin ? 1 : 0;
  // A window's begin token has a position, too.
  std::size_t left = options.positions > 0 ? static_cast<std::size_t>(options.positions) : 2 * ids.size();
  int window = 0;
  // The last token of a window is the target of its last input and the first input of the next.
  for (std::size_t at = 0; at + 1 < ids.size() && left > 0; ++window) {
    const std::size_t size =
        std::min({static_cast<std::size_t>(options.window) - of_begin, ids.size() - 1 - at, left - of_begin});
    std::vector<TokenId> inputs(ids.begin() + static_cast<std::ptrdiff_t>(at),
                                ids.begin() + static_cast<std::ptrdiff_t>(at + size));
    std::vector<TokenId> targets(ids.begin() + static_cast<std::ptrdiff_t>(at + 1),
                                 ids.begin() + static_cast<std::ptrdiff_t>(at + size + 1));
    if (begin) {
      inputs.insert(inputs.begin(), *begin);
      targets.insert(targets.begin(), ids[at]);
    }
    work.score_window(window, inputs, targets);
    at += size;
    left -= inputs.size();
  }
  if (work.found.positions.empty()) fail(ErrorKind::usage, "verify: the text is too short (expected 2 tokens or more)");
  const auto prompt_tokens = static_cast<std::size_t>(options.prompt_tokens);
  if (options.continuations > 0 && ids.size() < prompt_tokens)
    fail(ErrorKind::usage, "verify: the text is too short for prompts of {} tokens", prompt_tokens);
  for (int i = 0; i < options.continuations; ++i) {
    const std::size_t at =
        (ids.size() - prompt_tokens) * static_cast<std::size_t>(i) / static_cast<std::size_t>(options.continuations);
    std::vector<TokenId> prompt(ids.begin() + static_cast<std::ptrdiff_t>(at),
                                ids.begin() + static_cast<std::ptrdiff_t>(at + prompt_tokens));
    if (begin) prompt.insert(prompt.begin(), *begin);
    work.continue_greedily(i, prompt);
  }
  return std::move(work.found);
}

bool is_rounding(const Divergence& divergence, double margin_error) { return divergence.gap <= margin_error; }

}  // namespace ifm
