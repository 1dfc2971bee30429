#include "inferometer/engine/mlx.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <mlx/device.h>
#include <mlx/dtype.h>
#include <mlx/stream.h>
#include <mlx/version.h>

#include "inferometer/base/error.h"
#include "inferometer/engine/in_process.h"
#include "inferometer/engine/mlx_call.h"
#include "inferometer/engine/mlx_evaluator.h"
#include "inferometer/engine/mlx_generation.h"
#include "inferometer/engine/mlx_llama.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/text/model_text.h"

namespace mx = mlx::core;

namespace ifm {
namespace {

/// "gpu (Apple M3)".
std::string describe(const mx::Device& device) {
  std::string text = device == mx::Device::gpu ? "gpu" : "cpu";
  const auto& properties = mx::device_info(device);
  if (const auto name = properties.find("device_name"); name != properties.end()) {
    if (const auto* words = std::get_if<std::string>(&name->second)) text += fmt::format(" ({})", *words);
  }
  return text;
}

std::string describe(mx::Dtype dtype) {
  return fmt::format("{} activations", dtype == mx::float16 ? "f16" : dtype == mx::bfloat16 ? "bf16" : "f32");
}

class MlxModel final : public Model {
 public:
  MlxModel(const Checkpoint& checkpoint, int context, const std::string& name, const mx::Stream& stream, Clock& clock)
      : clock_(clock),
        stream_(stream),
        text_(ModelText::open(checkpoint)),
        llama_(on_stream(stream, [&] { return MlxLlama(checkpoint, tuning_for(stream.device)); })),
        cache_(static_cast<std::size_t>(llama_.config().layers)),
        setup_{.clock = clock,
               .tokenizer = text_.tokenizer,
               .kernels = kernels_for(""),
               .llama = llama_,
               .cache = cache_,
               .context = context_for(context, llama_.config().context, name)},
        evaluator_(llama_, cache_, setup_.context, stream) {
    const ModelConfig& config = llama_.config();
    check_tokenizer(text_.tokenizer, config.vocab, checkpoint.path());
    info_ = {.name = name,
             .path = checkpoint.path(),
             .architecture = config.architecture,
             .quantization = checkpoint.quantization(),
             .accuracy = describe(llama_.dtype()),
             .context = setup_.context,
             .weight_bytes = checkpoint.tensor_bytes(),
             .parameters = checkpoint.parameters(),
             .bytes_per_token = llama_.bytes_per_token(),
             .cache_bytes_per_position = llama_.cache_bytes_per_position()};
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::vector<TokenId> encode(const Request& request) override { return encode_request(text_, request).ids; }

  [[nodiscard]] std::string decode(std::span<const TokenId> ids) override { return text_.tokenizer.decode(ids); }

  Completion generate(const Request& request, TokenSink& sink, StopToken stop) override {
    const int64_t start_ns = clock_.now_ns();
    PromptIds prompt = encode_request(text_, request);
    MlxGeneration generation(setup_, request, std::move(prompt.ids), sink, std::move(stop), start_ns);
    Completion done = on_stream(stream_, [&] { return generation.run(); });
    flag_prompt(prompt, done);
    return done;
  }

  [[nodiscard]] Evaluator* evaluator() override { return &evaluator_; }

  // park() has nothing to do: MLX's threads wait on condition variables.

 private:
  Clock& clock_;
  mx::Stream stream_;
  ModelText text_;
  MlxLlama llama_;
  MlxCache cache_;
  MlxGenerationSetup setup_;
  MlxEvaluator evaluator_;
  ModelInfo info_;
};

class MlxEngine final : public Engine {
 public:
  /// The stream is one that any thread may use; those of MLX's own choice belong to the thread that they were made in.
  MlxEngine(const mx::Device& device, int context, Clock& clock)
      : stream_(mx::new_thread_unsafe_stream(device)), context_(context), clock_(clock) {}
  [[nodiscard]] std::string name() const override { return "mlx"; }
  [[nodiscard]] std::string version() const override { return mx::version(); }
  [[nodiscard]] std::unique_ptr<Model> load(const std::filesystem::path& path, const std::string& model) override {
    const Checkpoint checkpoint = Checkpoint::open(path);
    if (checkpoint.safetensors() == nullptr) {
      fail(ErrorKind::unsupported, "{}: the engine mlx reads MLX folders, not GGUF files (embedded and llama_cpp read this one)",
           path.string());
    }
    return std::make_unique<MlxModel>(checkpoint, context_, model, stream_, clock_);
  }

 private:
  mx::Stream stream_;
  int context_;
  Clock& clock_;
};

mx::Device find_device(const std::string& name) {
  if (name.empty()) return mx::default_device();
  if (name != "cpu" && name != "gpu") fail(ErrorKind::usage, "device: {} is unknown (expected cpu or gpu)", name);
  const mx::Device device(name == "cpu" ? mx::Device::cpu : mx::Device::gpu);
  if (!mx::is_available(device)) {
    fail(ErrorKind::unsupported, "device: this MLX {} has no {} here (expected {})", mx::version(), name,
         describe(mx::default_device()));
  }
  return device;
}

}  // namespace

EngineStatus mlx_status() {
  return {.available = true, .version = mx::version(), .device = describe(mx::default_device()), .what_to_install = {}};
}

std::unique_ptr<Engine> make_mlx_engine(const EngineOptions& options, Clock& clock) {
  if (options.threads != 0) fail(ErrorKind::unsupported, "threads: {} (the engine mlx chooses its own number)", options.threads);
  if (!options.isa.empty()) fail(ErrorKind::unsupported, "isa: {} (the engine mlx has its own kernels)", options.isa);
  if (options.speculation != Speculation::off) fail(ErrorKind::unsupported, "speculate: the engine mlx does not guess ahead");
  if (options.context < 0) fail(ErrorKind::usage, "context: {} (expected 1 or more, or 0 for the default)", options.context);
  return std::make_unique<MlxEngine>(find_device(options.device), options.context, clock);
}

}  // namespace ifm
