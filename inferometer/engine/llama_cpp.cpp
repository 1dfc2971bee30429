#include "inferometer/engine/llama_cpp.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/engine/answer.h"
#include "inferometer/engine/in_process.h"
#include "inferometer/engine/llama_cpp_context.h"
#include "inferometer/engine/llama_cpp_evaluator.h"
#include "inferometer/engine/llama_cpp_library.h"
#include "inferometer/engine/llama_cpp_text.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/format/gguf.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/machine/cpu.h"
#include "inferometer/model/sampler.h"

namespace ifm {
namespace {

constexpr int kMaxThreads = 1024;

struct CacheType {
  std::string_view name;
  ggml_type type;
};
constexpr std::array<CacheType, 3> kCacheTypes{{{"f16", GGML_TYPE_F16}, {"f32", GGML_TYPE_F32}, {"q8_0", GGML_TYPE_Q8_0}}};

const CacheType& cache_type(const std::string& name) {
  const auto* found = std::ranges::find(kCacheTypes, name.empty() ? std::string_view("f16") : name, &CacheType::name);
  if (found == kCacheTypes.end()) fail(ErrorKind::usage, "cache type: {} (expected f16, f32 or q8_0)", name);
  return *found;
}

/// Nothing where our reader refuses the file: llama.cpp loads more kinds of models than we do.
std::optional<Checkpoint> open_checkpoint(const std::filesystem::path& path) {
  try {
    return Checkpoint::open(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Of a file that llama.cpp refused: whether it is no GGUF, or one that this llama.cpp does not do.
ErrorKind kind_of_refusal(const std::filesystem::path& path) {
  try {
    (void)GgufFile::open(path);
    return ErrorKind::unsupported;
  } catch (const Error& error) {
    return error.kind();
  }
}

LlamaModelPtr load_file(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) fail(ErrorKind::not_found, "{}: not found", path.string());
  if (std::filesystem::is_directory(path)) {
    fail(ErrorKind::unsupported, "{}: llama.cpp loads .gguf files, and this is a folder (embedded and mlx load folders)",
         path.string());
  }
  start_llama_cpp();
  (void)take_llama_cpp_error();
  llama_model_params params = llama_model_default_params();
  if (!llama_supports_gpu_offload()) params.n_gpu_layers = 0;
  LlamaModelPtr model(llama_model_load_from_file(path.c_str(), params));
  if (model == nullptr) {
    const std::string reason = take_llama_cpp_error();
    throw Error(kind_of_refusal(path), fmt::format("{}: llama.cpp cannot load it: {}", path.string(), reason));
  }
  if (!llama_model_has_decoder(model.get()) || llama_model_has_encoder(model.get())) {
    fail(ErrorKind::unsupported, "{}: the model has an encoder (expected one that only decodes)", path.string());
  }
  return model;
}

LlamaCppContextOptions context_options(const EngineOptions& options, const llama_model& model, const std::string& name) {
  LlamaCppContextOptions chosen{.threads = options.threads > 0 ? options.threads : cpu_info().physical_cores,
                                .context = context_for(options.context, llama_model_n_ctx_train(&model), name),
                                .cache_type = cache_type(options.cache_type).type};
  if (options.flash_attention) {
    chosen.flash_attention = *options.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  }
  return chosen;
}

/// "llama" of a file that we cannot read.
std::string architecture_of(const llama_model& model) {
  std::array<char, 64> text{};
  (void)llama_model_meta_val_str(&model, "general.architecture", text.data(), text.size());
  return text.data();
}

std::string description_of(const llama_model& model) {
  std::array<char, 128> text{};
  (void)llama_model_desc(&model, text.data(), text.size());
  return text.data();
}

class LlamaCppModel final : public Model {
 public:
  LlamaCppModel(const EngineOptions& options, Clock& clock, const std::filesystem::path& path, const std::string& name)
      : clock_(clock),
        model_(load_file(path)),
        context_options_(context_options(options, *model_, name)),
        context_(*model_, context_options_),
        checkpoint_(open_checkpoint(path)),
        text_(*model_, checkpoint_ ? &*checkpoint_ : nullptr),
        evaluator_(context_) {
    const CacheType& cache = cache_type(options.cache_type);
    info_ = {.name = name,
             .path = path,
             .architecture = checkpoint_ ? checkpoint_->config().architecture : architecture_of(*model_),
             .quantization = checkpoint_ ? checkpoint_->quantization() : description_of(*model_),
             .hash = {},
             .isa = llama_cpp_isa(),
             .accuracy = cache.type == GGML_TYPE_F16 ? std::string() : std::string(cache.name),
             .threads = context_options_.threads,
             .context = context_options_.context,
             .weight_bytes = static_cast<int64_t>(llama_model_size(model_.get())),
             .parameters = static_cast<int64_t>(llama_model_n_params(model_.get()))};
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] std::vector<TokenId> encode(const Request& request) override { return text_.encode(request).ids; }
  [[nodiscard]] std::string decode(std::span<const TokenId> ids) override { return text_.decode(ids); }
  Completion generate(const Request& request, TokenSink& sink, StopToken stop) override;
  [[nodiscard]] Evaluator* evaluator() override { return &evaluator_; }
  void park() override { context_.park(); }

 private:
  Clock& clock_;
  LlamaModelPtr model_;
  LlamaCppContextOptions context_options_;
  LlamaCppContext context_;
  std::optional<Checkpoint> checkpoint_;
  LlamaCppText text_;
  LlamaCppEvaluator evaluator_;
  ModelInfo info_;
};

Completion LlamaCppModel::generate(const Request& request, TokenSink& sink, StopToken stop) {
  Completion done{.start_ns = clock_.now_ns()};
  const PromptIds encoded = text_.encode(request);
  const std::vector<TokenId>& prompt = encoded.ids;
  check_fits(prompt.size(), request.max_tokens, context_.capacity());
  Sampler sampler(sampler_config_of(request.sampling), kernels_for(""), context_.vocab());
  Answer answer(request, text_.eos());
  for (const TokenId id : prompt) sampler.accept(id);
  done.prompt_tokens = static_cast<int>(prompt.size());
  context_.truncate(0);
  done.prefill_begin_ns = clock_.now_ns();
  bool going = context_.evaluate(prompt, LlamaCppContext::Outputs::last, stop);
  done.end_ns = clock_.now_ns();
  if (going) done.prefill_end_ns = done.end_ns;
  while (going) {
    const TokenId id = sampler.draw(context_.last_logits());
    done.end_ns = clock_.now_ns();
    ++done.output_tokens;
    sampler.accept(id);
    const std::string text = answer.accept(id, text_.piece(id));
    sink.on_tokens({done.end_ns, {&id, 1}, text});
    if (answer.finish()) break;
    going = !stop.stop_requested() && context_.evaluate({&id, 1}, LlamaCppContext::Outputs::last, stop);
  }
  done.finish = answer.finish().value_or(FinishReason::cancelled);
  flag_prompt(encoded, done);
  return done;
}

class LlamaCppEngine final : public Engine {
 public:
  LlamaCppEngine(EngineOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}
  [[nodiscard]] std::string name() const override { return "llama_cpp"; }
  [[nodiscard]] std::string version() const override { return llama_cpp_version(); }
  [[nodiscard]] std::unique_ptr<Model> load(const std::filesystem::path& path, const std::string& model) override {
    return std::make_unique<LlamaCppModel>(options_, clock_, path, model);
  }

 private:
  EngineOptions options_;
  Clock& clock_;
};

}  // namespace

EngineStatus llama_cpp_status() {
  start_llama_cpp();
  return {.available = true, .version = llama_cpp_version(), .device = llama_cpp_device(), .what_to_install = {}};
}

std::unique_ptr<Engine> make_llama_cpp_engine(const EngineOptions& options, Clock& clock) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    fail(ErrorKind::usage, "threads: {} (expected 1 to {}, or 0 for the physical cores)", options.threads, kMaxThreads);
  }
  if (options.context < 0) fail(ErrorKind::usage, "context: {} (expected 1 or more, or 0 for the default)", options.context);
  if (cache_type(options.cache_type).type == GGML_TYPE_Q8_0 && options.flash_attention == false) {
    fail(ErrorKind::usage, "cache type: llama.cpp keeps q8_0 values only with flash attention");
  }
  return std::make_unique<LlamaCppEngine>(options, clock);
}

}  // namespace ifm
