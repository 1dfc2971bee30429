#pragma once

#include <span>
#include <vector>

#include "inferometer/base/stop.h"
#include "inferometer/base/token_id.h"
#include "inferometer/engine/llama_cpp_library.h"

namespace ifm {

/// llama.cpp's threads. Between two evaluations they wait awake for a while, for the next token comes soon; paused they sleep.
/// Where llama.cpp computes with OpenMP, the threads are OpenMP's, which fall asleep after some milliseconds, and this only
/// describes them.
class LlamaCppThreads {
 public:
  explicit LlamaCppThreads(int threads);
  LlamaCppThreads(const LlamaCppThreads&) = delete;
  LlamaCppThreads& operator=(const LlamaCppThreads&) = delete;
  ~LlamaCppThreads();
  [[nodiscard]] ggml_threadpool* pool() const { return pool_; }
  /// Lets them sleep until the next evaluation. Not during one.
  void pause();

 private:
  ggml_backend_reg_t processor_;
  GgmlBackendPtr pauser_;
  ggml_threadpool* pool_;
};

struct LlamaCppContextOptions {
  int threads = 1;
  int context = 0;  ///< tokens
  ggml_type cache_type = GGML_TYPE_F16;
  llama_flash_attn_type flash_attention = LLAMA_FLASH_ATTN_TYPE_AUTO;
};

/// One sequence's evaluation in llama.cpp. Does not own the model. Not thread-safe.
class LlamaCppContext {
 public:
  enum class Outputs { last, all };

  /// @throws Error resource when llama.cpp cannot make it.
  LlamaCppContext(llama_model& model, const LlamaCppContextOptions& options);

  /// Evaluates ids after position(), in pieces of batch() tokens, and waits for the results. Outputs::all: at most batch() ids.
  /// False: `stop` was requested before it was done, and the positions are in no known state until the next truncate(0).
  /// @throws Error usage for an id that the model does not have, resource past the context, engine.
  [[nodiscard]] bool evaluate(std::span<const TokenId> ids, Outputs outputs, const StopToken& stop);
  /// (vocab) f32 of the last evaluate(): of its last id, or with Outputs::all of the index-th. Valid until the next one.
  [[nodiscard]] std::span<const float> last_logits() const { return logits(-1); }
  [[nodiscard]] std::span<const float> logits(int index) const;
  /// Forgets what lies at `positions` and after it. @throws Error unsupported for a model that cannot forget a part.
  void truncate(int positions);

  [[nodiscard]] int position() const { return position_; }
  [[nodiscard]] int vocab() const { return vocab_; }
  [[nodiscard]] int capacity() const { return options_.context; }
  [[nodiscard]] int batch() const { return static_cast<int>(ids_.size()); }
  void park() { threads_.pause(); }

 private:
  [[nodiscard]] bool decode(std::span<const TokenId> ids, Outputs outputs);

  LlamaCppContextOptions options_;
  int vocab_;
  const StopToken* stop_ = nullptr;  // of the running evaluate()
  LlamaCppThreads threads_;
  LlamaContextPtr context_;
  std::vector<TokenId> ids_;         // (batch)
  std::vector<int8_t> all_outputs_;  // (batch) ones
  int position_ = 0;
};

}  // namespace ifm
