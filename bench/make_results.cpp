// Writes a results file with a synthetic session of any size: what `analysis-bench` and docs/performance.md measure reading with.
// The same seed gives the same file but for the name of this build.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "inferometer/analysis/metrics.h"
#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/base/sha256.h"
#include "inferometer/record/store.h"

namespace {

using namespace ifm;

constexpr std::size_t kRunsATransaction = 5000;
constexpr int kBlocksACanary = 64;  ///< each canary is a transaction of its own
constexpr double kFailedShare = 0.0005;
constexpr double kFlaggedShare = 0.002;

struct Options {
  std::filesystem::path file = "results/inferometer.db";
  int runs = 10'000;
  int tokens = 128;
  int pairs = 0;
  uint64_t seed = 1;
};

/// A session as `run` makes one (2 engines, 2 models, 3 prompts, 3 lengths around `tokens`, 3 temperatures), or as `compare`
/// does.
Session session_of(const Options& options) {
  Session session;
  Plan& plan = session.plan;
  plan.seed = options.seed;
  plan.pairs = options.pairs;
  plan.repeats = 1;
  plan.engines.assign(2, PlanEngine{});
  plan.prompts.assign(1, PlanPrompt{});
  plan.prompts[0].id = plan.prompts[0].text = "question";
  plan.models.emplace_back("smollm2-135m");
  plan.max_tokens = {options.tokens};
  plan.temperatures = {0};
  if (options.pairs > 0) {
    plan.name = "synthetic-pairs";
    plan.engines[0].id = "A";
    plan.engines[1].id = "B";
  } else {
    plan.name = "synthetic";
    plan.engines[0].id = "embedded";
    plan.engines[1].id = "llama.cpp";
    plan.models.emplace_back("llama-3.2-1b");
    for (const char* id : {"story", "summary"}) {
      plan.prompts.push_back(plan.prompts[0]);
      plan.prompts.back().id = plan.prompts.back().text = id;
    }
    plan.max_tokens = {std::max(2, options.tokens / 2), options.tokens, options.tokens + options.tokens / 2};
    plan.temperatures = {0, 0.3, 0.7};
    const auto cells = static_cast<double>(expand_cells(plan).size());
    plan.repeats = std::max(1, static_cast<int>(std::lround(options.runs / cells)));
  }
  session.started_utc = "2026-01-01T00:00:00Z";
  session.order_seed = options.seed;
  session.command = "make-results";
  session.environment.host_class = "synthetic";
  session.environment.governor = "performance";
  return session;
}

/// What takes how long, and what an engine says.
class World {
 public:
  explicit World(uint64_t seed) : rng_(seed) {}

  /// exp of a triangular number around 0: a spread without a tail.
  double factor(double spread) { return std::exp(spread * (rng_.uniform() + rng_.uniform() - 1)); }
  std::size_t below(std::size_t n) { return rng_.below(n); }
  bool happens(double share) { return rng_.uniform() < share; }

  void play(Run& run) {
    const bool small = run.model == "smollm2-135m";
    const double speed = factor(0.03) * (run.engine == "llama.cpp" ? 1.1 : 1.0);
    const double ttft_ns = (small ? 20e6 : 120e6) * speed * factor(0.1);
    const double gap_ns = (small ? 3.5e6 : 15e6) * speed;
    run.stamps.offset_ns.reserve(static_cast<std::size_t>(run.max_tokens));
    double now = ttft_ns;
    for (int i = 0; i < run.max_tokens; ++i) {
      run.stamps.offset_ns.push_back(std::llround(now));
      run.stamps.tokens.push_back(1);
      const uint64_t bits = rng_();
      // One gap in 256 is long, as where the system took the processor away.
      const double stretch = 0.97 + 0.06 * static_cast<double>(bits & 0xFFFFU) / 65536;
      now += gap_ns * ((bits >> 56) == 0 ? 3 * stretch : stretch);
    }
    run.prefill_begin_ns = run.start_ns + 100'000;
    run.prefill_end_ns = run.start_ns + std::llround(ttft_ns * 0.9);
    run.engine_start_ns = run.start_ns + 2'000;
    run.engine_end_ns = run.start_ns + run.stamps.offset_ns.back() + 3'000;
    run.first_text_ns = run.stamps.offset_ns.front();
  }
  void speak(Run& run) {
    // A greedy answer depends on its cell only.
    Rng cell(static_cast<uint64_t>(run.cell) + 1);
    Rng& words = run.temperature == 0 ? cell : rng_;
    std::string bytes;
    for (int i = 0; i < run.max_tokens; ++i) {
      const auto id = static_cast<uint32_t>(words.below(49'152));
      run.output_ids.push_back(static_cast<TokenId>(id));
      for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes += static_cast<char>(id >> shift & 0xFFU);
      run.text += kWords[id % kWords.size()];
    }
    run.ids_hash = sha256_of(bytes);
  }

 private:
  static constexpr std::array<std::string_view, 8> kWords{" the", " of", " model", "s", " runs", " and", " fast", "."};
  Rng rng_;
};

Run run_of(const Plan& plan, const Cell& cell, World& world, int64_t& now_ns) {
  Run run;
  run.cell = cell.index;
  run.mode = cell.mode;
  run.engine = plan.engines[static_cast<std::size_t>(cell.engine)].id;
  run.model = plan.models[static_cast<std::size_t>(cell.model)];
  run.prompt = plan.prompts[static_cast<std::size_t>(cell.prompt)].id;
  run.max_tokens = cell.max_tokens;
  run.temperature = cell.temperature;
  run.start_ns = run.intended_start_ns = now_ns;
  if (world.happens(kFailedShare)) {
    run.status = RunStatus::failed;
    run.error_kind = "timeout";
    run.error_message = "no token for 30 s";
    now_ns += 30'000'000'000;
    return run;
  }
  world.play(run);
  world.speak(run);
  if (world.happens(kFlaggedShare)) run.flags.emplace_back("steal");
  run.prompt_tokens = 24;
  run.cached_tokens = 0;
  run.output_tokens = run.max_tokens;
  run.count_source = "engine";
  run.finish_reason = "length";
  run.steal_percent = 0.1;
  run.metrics = metrics_of(run);
  now_ns += run.stamps.offset_ns.back() + 1'000'000;
  return run;
}

void write_session(Store& store, const Options& options) {
  const Session session = session_of(options);
  const Plan& plan = session.plan;
  const int64_t id = store.add_session(session);
  std::vector<Cell> cells = expand_cells(plan);
  World world(options.seed);
  std::vector<Run> runs;
  int64_t now_ns = 0;
  int order = 0;
  for (int block = 0; block < runs_of_cell(plan); ++block) {
    if (block % kBlocksACanary == 0) {
      const auto canary_ns = std::llround(10e6 * world.factor(0.02));
      store.add_block(id, {.block = block, .first_order = order, .started_ns = now_ns, .canary_compute_ns = canary_ns});
    }
    for (std::size_t i = cells.size(); i > 1; --i) std::swap(cells[i - 1], cells[world.below(i)]);
    for (const Cell& cell : cells) {
      runs.push_back(run_of(plan, cell, world, now_ns));
      Run& run = runs.back();
      run.block = block;
      run.repeat = block;
      if (order > 0) run.predecessor = order - 1;
      run.order = order++;
    }
    if (runs.size() < kRunsATransaction) continue;
    store.add_runs(id, runs);
    runs.clear();
  }
  store.add_runs(id, runs);
  store.finish_session(id, "2026-01-02T00:00:00Z");
  fmt::print("{}: session {}, {} runs in {} cells, lengths {} to {}\n", options.file.string(), id, order, cells.size(),
             *std::ranges::min_element(plan.max_tokens), *std::ranges::max_element(plan.max_tokens));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Writes a results file with a synthetic session");
  app.add_option("--file", options.file, "Results file, made when absent")->capture_default_str();
  app.add_option("--runs", options.runs, "Measured runs, rounded to whole blocks")->capture_default_str();
  app.add_option("--tokens", options.tokens, "Tokens of a run: half, once and one and a half times as many in turn")
      ->capture_default_str();
  app.add_option("--pairs", options.pairs, "A comparison of so many pairs of processes in place of --runs")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of every number in it")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    if (options.file.has_parent_path()) std::filesystem::create_directories(options.file.parent_path());
    Store store(options.file, Store::Access::write);
    write_session(store, options);
  } catch (const Error& error) {
    fmt::print(stderr, "make-results: {}\n", error.message());
    return 1;
  }
  return 0;
}
