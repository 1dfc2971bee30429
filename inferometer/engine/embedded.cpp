#include "inferometer/engine/embedded.h"

#include <algorithm>
#include <array>
#include <future>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/base/prefault.h"
#include "inferometer/base/version.h"
#include "inferometer/engine/embedded_evaluator.h"
#include "inferometer/engine/generation.h"
#include "inferometer/engine/in_process.h"
#include "inferometer/engine/step.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/thread_pool.h"
#include "inferometer/machine/cpu.h"
#include "inferometer/model/kv_cache.h"
#include "inferometer/model/llama.h"
#include "inferometer/text/model_text.h"

namespace ifm {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxParallel = 512;

std::vector<KvSequence> make_sequences(KvPool& pool, int count, int64_t capacity) {
  std::vector<KvSequence> sequences;
  for (int i = 0; i < count; ++i) sequences.emplace_back(pool, capacity);
  return sequences;
}

class EmbeddedModel final : public Model {
 public:
  EmbeddedModel(const EngineOptions& options, Clock& clock, const std::filesystem::path& path, const std::string& name)
      : clock_(clock),
        checkpoint_(Checkpoint::open(path)),
        prefault_(checkpoint_.mappings()),
        loading_text_(std::async(std::launch::async, [this] { return ModelText::open(checkpoint_); })),
        kernels_(kernels_for(options.isa)),
        pool_(options.threads > 0 ? options.threads : cpu_info().physical_cores),
        llama_(checkpoint_, kernels_, pool_, options.accuracy),
        context_(context_for(options.context, checkpoint_.config().context, name)),
        pages_(checkpoint_.config(), options.parallel * pages_for(context_)),
        sequences_(make_sequences(pages_, options.parallel, context_)),
        text_(loading_text_.get()),
        setup_{.clock = clock,
               .tokenizer = text_.tokenizer,
               .kernels = kernels_,
               .vocab = checkpoint_.config().vocab,
               .eos = checkpoint_.config().eos,
               .speculation = options.speculation},
        evaluator_(llama_, sequences_) {
    check_tokenizer(text_.tokenizer, checkpoint_.config().vocab, path);
    checkpoint_.check_intact();
    const ModelConfig& config = checkpoint_.config();
    info_ = {.name = name,
             .path = path,
             .architecture = config.architecture,
             .quantization = checkpoint_.quantization(),
             .hash = {},
             .isa = std::string(kernels_.isa),
             .accuracy = to_string(options.accuracy),
             .threads = pool_.size(),
             .context = context_,
             .weight_bytes = checkpoint_.tensor_bytes(),
             .parameters = checkpoint_.parameters(),
             .bytes_per_token = llama_.bytes_per_token(),
             .cache_bytes_per_position = cache_bytes_per_position(config),
             .macs_per_token = llama_.layer_macs(),
             .head_macs = llama_.head_macs(),
             .attention_macs_per_position = 2 * config.layers * config.heads * config.head_dim,
             .logits_only_macs = llama_.logits_only_macs(),
             .logits_only_attention_macs_per_position = 2 * config.heads * config.head_dim};
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::vector<TokenId> encode(const Request& request) override { return encode_request(text_, request).ids; }

  [[nodiscard]] std::string decode(std::span<const TokenId> ids) override { return text_.tokenizer.decode(ids); }

  Completion generate(const Request& request, TokenSink& sink, StopToken stop) override {
    const int64_t start_ns = clock_.now_ns();
    PromptIds prompt = encode_request(text_, request);
    Generation generation(setup_, request, std::move(prompt.ids), sequences_.front(), sink, std::move(stop), start_ns);
    while (!generation.finished()) step(llama_, std::array{&generation});
    Completion done = generation.completion();
    flag_prompt(prompt, done);
    return done;
  }

  [[nodiscard]] std::vector<Completion> generate_many(std::span<const Job> jobs) override {
    const int64_t start_ns = clock_.now_ns();
    std::vector<std::optional<Generation>> places(sequences_.size());
    std::vector<PromptIds> prompts(places.size());
    std::vector<std::size_t> job_of(places.size());
    std::vector<Completion> done(jobs.size());
    std::size_t next = 0;
    while (true) {
      std::vector<Generation*> running;
      for (std::size_t i = 0; i < places.size(); ++i) {
        std::optional<Generation>& place = places[i];
        if (place && place->finished()) {
          done[job_of[i]] = place->completion();
          flag_prompt(prompts[i], done[job_of[i]]);
          place.reset();
        }
        if (!place && next < jobs.size()) {
          const Job& job = jobs[job_of[i] = next++];
          prompts[i] = encode_request(text_, *job.request);
          place.emplace(setup_, *job.request, prompts[i].ids, sequences_[i], *job.sink, job.stop, start_ns);
        }
        if (place) running.push_back(&*place);
      }
      if (running.empty()) return done;
      step(llama_, running);
    }
  }

  [[nodiscard]] Evaluator* evaluator() override { return &evaluator_; }

 private:
  Clock& clock_;
  Checkpoint checkpoint_;
  Prefault prefault_;  // while the tokenizer is read, which takes about as long
  std::future<ModelText> loading_text_;
  const Kernels& kernels_;
  ThreadPool pool_;
  Llama llama_;
  int context_;
  KvPool pages_;
  std::vector<KvSequence> sequences_;  // at least one
  ModelText text_;
  GenerationSetup setup_;
  EmbeddedEvaluator evaluator_;
  ModelInfo info_;
};

class EmbeddedEngine final : public Engine {
 public:
  EmbeddedEngine(EngineOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}
  [[nodiscard]] std::string name() const override { return "embedded"; }
  [[nodiscard]] std::string version() const override { return build_version().version; }
  [[nodiscard]] std::unique_ptr<Model> load(const std::filesystem::path& path, const std::string& model) override {
    return std::make_unique<EmbeddedModel>(options_, clock_, path, model);
  }

 private:
  EngineOptions options_;
  Clock& clock_;
};

}  // namespace

EngineStatus embedded_status() {
  return {.available = true,
          .version = build_version().version,
          .device = fmt::format("{} ({})", cpu_info().name, kernels_for("").isa),
          .what_to_install = {}};
}

std::unique_ptr<Engine> make_embedded_engine(const EngineOptions& options, Clock& clock) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    fail(ErrorKind::usage, "threads: {} (expected 1 to {}, or 0 for the physical cores)", options.threads, kMaxThreads);
  }
  if (options.parallel < 1 || options.parallel > kMaxParallel) {
    fail(ErrorKind::usage, "parallel: {} (expected 1 to {})", options.parallel, kMaxParallel);
  }
  if (options.context < 0) fail(ErrorKind::usage, "context: {} (expected 1 or more, or 0 for the default)", options.context);
  (void)kernels_for(options.isa);  // an instruction set that is not here is said before anything is loaded
  return std::make_unique<EmbeddedEngine>(options, clock);
}

}  // namespace ifm
