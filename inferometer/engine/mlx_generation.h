#pragma once

#include <optional>
#include <span>
#include <vector>

#include <mlx/array.h>

#include "inferometer/base/clock.h"
#include "inferometer/base/stop.h"
#include "inferometer/engine/answer.h"
#include "inferometer/engine/engine.h"
#include "inferometer/engine/mlx_llama.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/model/sampler.h"
#include "inferometer/text/tokenizer.h"

namespace ifm {

/// What all generations of a loaded model share. Everything must outlive them.
struct MlxGenerationSetup {
  Clock& clock;
  const Tokenizer& tokenizer;
  const Kernels& kernels;  ///< the sampler's
  const MlxLlama& llama;
  MlxCache& cache;
  int context;
};

/// One request from its prompt to its last token, within on_stream().
///
/// A greedy id is an operation of the graph, so that the step after it is under way before the id is read here: one step stays
/// in flight, as in mlx-lm, and a device does not wait for the host between two steps. An id that is drawn by the sampler needs
/// its logits here first; those requests go step by step. Source of the order: generate_step in mlx_lm/generate.py of mlx-lm
/// 0.32.2.
class MlxGeneration {
 public:
  /// `setup`, `request` and `sink` must outlive it. start_ns: when the request was handed over. @throws Error usage for
  /// parameters out of their range, resource when the prompt and max_tokens do not fit the context.
  MlxGeneration(const MlxGenerationSetup& setup, const Request& request, std::vector<TokenId> prompt, TokenSink& sink,
                StopToken stop, int64_t start_ns);

  /// Runs it to its end; nothing is in flight after it. Once.
  [[nodiscard]] Completion run();

 private:
  void run_in_flight(const mlx::core::array& prompt_logits);
  void run_step_by_step(const mlx::core::array& prompt_logits);
  void accept(TokenId id);
  [[nodiscard]] bool finished() const { return cancelled_ || answer_.finish().has_value(); }

  const MlxGenerationSetup& setup_;
  const Request& request_;
  std::vector<TokenId> prompt_;
  TokenSink& sink_;
  StopToken stop_;
  Sampler sampler_;
  Answer answer_;
  Completion done_;
  bool cancelled_ = false;
};

}  // namespace ifm
