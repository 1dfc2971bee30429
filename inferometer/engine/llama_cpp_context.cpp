#include "inferometer/engine/llama_cpp_context.h"

#include <algorithm>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/engine/in_process.h"

namespace ifm {
namespace {

/// A function of llama.cpp's code for the processor. That may be a file which is chosen at run time, so it is asked for by name.
template <typename Function>
Function* function(ggml_backend_reg_t registry, const char* name) {
  void* address = ggml_backend_reg_get_proc_address(registry, name);
  if (address == nullptr) fail(ErrorKind::unsupported, "llama.cpp: this version has no {}", name);
  return reinterpret_cast<Function*>(address);
}

}  // namespace

LlamaCppThreads::LlamaCppThreads(int threads)
    : processor_(ggml_backend_dev_backend_reg(llama_cpp_processor())),
      pauser_(ggml_backend_dev_init(llama_cpp_processor(), nullptr)) {
  ggml_threadpool_params params = ggml_threadpool_params_default(threads);
  params.paused = true;
  pool_ = function<decltype(ggml_threadpool_new)>(processor_, "ggml_threadpool_new")(&params);
}

LlamaCppThreads::~LlamaCppThreads() { function<decltype(ggml_threadpool_free)>(processor_, "ggml_threadpool_free")(pool_); }

void LlamaCppThreads::pause() {
  // ggml_threadpool_pause() cannot be asked for by name, but a backend pauses the threads that are taken from it.
  auto* give = function<decltype(ggml_backend_cpu_set_threadpool)>(processor_, "ggml_backend_cpu_set_threadpool");
  give(pauser_.get(), pool_);
  give(pauser_.get(), nullptr);
}

LlamaCppContext::LlamaCppContext(llama_model& model, const LlamaCppContextOptions& options)
    : options_(options), vocab_(llama_vocab_n_tokens(llama_model_get_vocab(&model))), threads_(options.threads) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<uint32_t>(options.context);
  params.n_threads = params.n_threads_batch = options.threads;
  params.type_k = params.type_v = options.cache_type;
  params.flash_attn_type = options.flash_attention;
  params.no_perf = true;
  params.abort_callback = [](void* self) {
    const StopToken* stop = static_cast<const LlamaCppContext*>(self)->stop_;
    return stop != nullptr && stop->stop_requested();
  };
  params.abort_callback_data = this;
  (void)take_llama_cpp_error();
  context_.reset(llama_init_from_model(&model, params));
  if (context_ == nullptr)
    fail(ErrorKind::resource, "llama.cpp: no context of {} tokens: {}", options.context, take_llama_cpp_error());
  llama_attach_threadpool(context_.get(), threads_.pool(), nullptr);
  ids_.resize(llama_n_batch(context_.get()));
  all_outputs_.assign(ids_.size(), 1);
}

bool LlamaCppContext::evaluate(std::span<const TokenId> ids, Outputs outputs, const StopToken& stop) {
  check_ids(ids, position_, capacity(), vocab_);
  IFM_CHECK(outputs == Outputs::last || ids.size() <= ids_.size());
  stop_ = &stop;
  bool done = true;
  while (done && !ids.empty()) {
    const std::span<const TokenId> piece = ids.first(std::min(ids.size(), ids_.size()));
    done = decode(piece, outputs);
    ids = ids.subspan(piece.size());
  }
  llama_synchronize(context_.get());
  stop_ = nullptr;
  return done;
}

bool LlamaCppContext::decode(std::span<const TokenId> ids, Outputs outputs) {
  std::ranges::copy(ids, ids_.begin());
  // Null fields: positions go on from the last one, in the only sequence; without marks the last id has logits.
  const llama_batch batch{.n_tokens = static_cast<int32_t>(ids.size()),
                          .token = ids_.data(),
                          .embd = nullptr,
                          .pos = nullptr,
                          .n_seq_id = nullptr,
                          .seq_id = nullptr,
                          .logits = outputs == Outputs::all ? all_outputs_.data() : nullptr};
  constexpr int32_t kNoPlace = 1;
  constexpr int32_t kAborted = 2;
  const int32_t result = llama_decode(context_.get(), batch);
  if (result == kAborted) return false;
  if (result == kNoPlace) fail(ErrorKind::resource, "context: llama.cpp has no place for {} more tokens", ids.size());
  if (result != 0) fail(ErrorKind::engine, "llama.cpp: evaluation failed ({}): {}", result, take_llama_cpp_error());
  position_ += static_cast<int>(ids.size());
  return true;
}

std::span<const float> LlamaCppContext::logits(int index) const {
  const float* values = llama_get_logits_ith(context_.get(), index);
  if (values == nullptr) fail(ErrorKind::engine, "llama.cpp: no logits of output {}", index);
  return {values, static_cast<std::size_t>(vocab_)};
}

void LlamaCppContext::truncate(int positions) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  if (positions <= 0) {
    llama_memory_clear(memory, false);
    position_ = 0;
  } else if (positions < position_) {
    if (!llama_memory_seq_rm(memory, 0, positions, -1)) {
      fail(ErrorKind::unsupported, "llama.cpp: this model's memory cannot forget its last {} positions", position_ - positions);
    }
    position_ = positions;
  }
}

}  // namespace ifm
