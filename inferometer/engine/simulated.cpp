#include "inferometer/engine/simulated.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/base/version.h"

namespace ifm {
namespace {

constexpr TokenId kFirstId = 100;
constexpr TokenId kFirstPromptId = 10;
constexpr const char* kTokenText = "tok ";
constexpr int kContext = 1 << 20;
/// How long a wait goes on before it looks at the stop token again.
constexpr int64_t kSliceNs = 20'000'000;

/// Standard normal. Source: Box and Muller, Ann. Math. Stat. 29(2), 1958.
double normal(Rng& rng) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - rng.uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * rng.uniform());
}

/// Whole nanoseconds of `ns` times a factor.
int64_t scaled(int64_t ns, double factor) { return factor == 1.0 ? ns : std::llround(static_cast<double>(ns) * factor); }

class SimulatedModel final : public Model {
 public:
  SimulatedModel(const SimulatedTiming& timing, Clock& clock, const std::string& name) : timing_(timing), clock_(clock) {
    info_ = {.name = name, .architecture = "simulated", .context = kContext};
    clock_.wait_until(clock_.now_ns() + timing_.load_ns);
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::vector<TokenId> encode(const Request& /*request*/) override {
    std::vector<TokenId> ids(static_cast<std::size_t>(timing_.prompt_tokens));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = kFirstPromptId + static_cast<TokenId>(i);
    return ids;
  }

  [[nodiscard]] std::string decode(std::span<const TokenId> ids) override {
    std::string text;
    for (std::size_t i = 0; i < ids.size(); ++i) text += kTokenText;
    return text;
  }

  Completion generate(const Request& request, TokenSink& sink, StopToken stop) override {
    Completion done{.start_ns = clock_.now_ns(), .end_ns = clock_.now_ns()};
    if (request.max_tokens <= 0) fail(ErrorKind::usage, "max_tokens: {} (expected 1 or more)", request.max_tokens);
    ++requests_;
    done.prompt_tokens = timing_.prompt_tokens;
    Rng rng(request.sampling.seed);
    const double run_factor = (1.0 + timing_.temperature_slope * request.sampling.temperature) * lognormal(rng, timing_.run_sd);
    done.prefill_begin_ns = done.start_ns + scaled(timing_.ttft_ns, run_factor);
    int64_t due_ns = *done.prefill_begin_ns + scaled(timing_.prefill_ns_per_token * timing_.prompt_tokens, run_factor);
    for (int i = 0; i < request.max_tokens; ++i) {
      if (i > 0) due_ns += scaled(timing_.gap_ns, run_factor * lognormal(rng, timing_.gap_sd));
      if (!wait(due_ns, stop)) {
        done.finish = FinishReason::cancelled;
        return done;
      }
      if (i == 0) done.prefill_end_ns = clock_.now_ns();
      if (timing_.fail_every > 0 && requests_ % timing_.fail_every == 0) {
        fail(ErrorKind::engine, "simulated: request {} fails, as fail_every: {} asks", requests_, timing_.fail_every);
      }
      const TokenId id = kFirstId + i;
      done.end_ns = clock_.now_ns();
      ++done.output_tokens;
      sink.on_tokens({done.end_ns, std::span(&id, 1), kTokenText});
    }
    return done;
  }

 private:
  static double lognormal(Rng& rng, double sd) { return sd == 0.0 ? 1.0 : std::exp(sd * normal(rng)); }

  /// False when a stop was asked for.
  bool wait(int64_t due_ns, const StopToken& stop) {
    while (true) {
      if (stop.stop_requested()) return false;
      const int64_t now_ns = clock_.now_ns();
      if (now_ns >= due_ns) return true;
      clock_.wait_until(std::min(due_ns, now_ns + kSliceNs));
    }
  }

  SimulatedTiming timing_;
  Clock& clock_;
  ModelInfo info_;
  int requests_ = 0;
};

class SimulatedEngine final : public Engine {
 public:
  SimulatedEngine(const SimulatedTiming& timing, Clock& clock) : timing_(timing), clock_(clock) {}
  [[nodiscard]] std::string name() const override { return "simulated"; }
  [[nodiscard]] std::string version() const override { return build_version().version; }
  [[nodiscard]] bool needs_files() const override { return false; }
  [[nodiscard]] std::unique_ptr<Model> load(const std::filesystem::path& /*path*/, const std::string& model) override {
    return std::make_unique<SimulatedModel>(timing_, clock_, model);
  }

 private:
  SimulatedTiming timing_;
  Clock& clock_;
};

}  // namespace

EngineStatus simulated_status() {
  return {.available = true, .version = build_version().version, .device = "none: a timing model", .what_to_install = {}};
}

std::unique_ptr<Engine> make_simulated_engine(const EngineOptions& options, Clock& clock) {
  if (options.speculation != Speculation::off) fail(ErrorKind::usage, "speculation: the simulated engine has none");
  const SimulatedTiming& t = options.simulated;
  const bool times = t.load_ns >= 0 && t.ttft_ns >= 0 && t.prefill_ns_per_token >= 0 && t.gap_ns >= 0;
  if (!times || t.gap_sd < 0 || t.run_sd < 0 || t.fail_every < 0 || t.prompt_tokens < 0) {
    fail(ErrorKind::usage, "simulated: a time, spread or count below 0 (expected 0 or more)");
  }
  return std::make_unique<SimulatedEngine>(t, clock);
}

}  // namespace ifm
