#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "inferometer/analysis/metrics.h"
#include "inferometer/analysis/study.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/distribution.h"

/// For tests: sessions on a virtual clock, every time known exactly.
namespace ifm::simulated {

/// What a run takes: time to the first token, then one gap per further token.
struct Times {
  double ttft_s = 0.1;
  double gap_s = 0.01;
};

struct Design {
  std::vector<std::string> engines{"embedded"};
  std::vector<std::string> models{"smollm2-135m"};
  std::vector<std::string> prompts{"question", "explanation", "reasoning"};
  std::vector<int> max_tokens{64, 128, 256};
  std::vector<double> temperatures{0.3, 0.7};
  std::vector<Mode> modes{Mode::warm};
  int repeats = 3;
  std::function<Times(const Run&)> times = [](const Run&) { return Times{}; };
};

struct Data {
  Session session;
  std::vector<Run> runs;
  [[nodiscard]] Study study() const { return analyze(session, runs); }
};

inline Session session_of(const Design& design) {
  Session session;
  session.plan.modes = design.modes;
  session.plan.engines.clear();
  for (const std::string& engine : design.engines) session.plan.engines.push_back({.id = engine});
  session.plan.models = design.models;
  for (const std::string& prompt : design.prompts) session.plan.prompts.push_back({.id = prompt, .text = prompt});
  session.plan.max_tokens = design.max_tokens;
  session.plan.temperatures = design.temperatures;
  session.plan.repeats = design.repeats;
  session.environment.governor = "performance";
  session.environment.host_class = "desktop";
  return session;
}

/// Gives a run its stamps: the first token at ttft, the others one gap apart, to the nanosecond.
inline void play(Run& run, const Times& times) {
  run.stamps = {};
  for (int i = 0; i < run.max_tokens; ++i) {
    run.stamps.offset_ns.push_back(std::llround((times.ttft_s + times.gap_s * i) * 1e9));
    run.stamps.tokens.push_back(1);
  }
  run.output_tokens = run.max_tokens;
  run.prompt_tokens = 20;
  run.cached_tokens = 0;
  run.prefill_begin_ns = run.start_ns;
  run.prefill_end_ns = run.start_ns + std::llround(times.ttft_s * 0.8e9);
  run.metrics = metrics_of(run);
}

/// Blocks in plan order, one second between runs.
inline Data simulate(const Design& design) {
  Data data{session_of(design), {}};
  const Plan& plan = data.session.plan;
  for (int repeat = 0; repeat < design.repeats; ++repeat) {
    for (const Cell& cell : expand_cells(plan)) {
      Run run;
      run.order = static_cast<int>(data.runs.size());
      run.id = run.order + 1;
      run.block = run.repeat = repeat;
      run.cell = cell.index;
      run.mode = cell.mode;
      run.engine = plan.engines[static_cast<size_t>(cell.engine)].id;
      run.model = plan.models[static_cast<size_t>(cell.model)];
      run.prompt = plan.prompts[static_cast<size_t>(cell.prompt)].id;
      run.max_tokens = cell.max_tokens;
      run.temperature = cell.temperature;
      run.start_ns = run.intended_start_ns = int64_t{1'000'000'000} * run.order;
      play(run, design.times(run));
      data.runs.push_back(std::move(run));
    }
  }
  return data;
}

/// exp(N(0, sd)): the same numbers on every machine.
class Noise {
 public:
  Noise(uint64_t seed, double sd) : rng_(seed), sd_(sd) {}
  double factor() { return std::exp(sd_ * stats::normal_quantile(std::max(1e-15, rng_.uniform()))); }

 private:
  Rng rng_;
  double sd_;
};

inline const Conclusion* find(const std::vector<Conclusion>& list, const std::string& id) {
  for (const Conclusion& conclusion : list)
    if (conclusion.id == id) return &conclusion;
  return nullptr;
}

}  // namespace ifm::simulated
