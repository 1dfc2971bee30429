#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "inferometer/analysis/metrics.h"
#include "inferometer/analysis/study.h"
#include "inferometer/base/rng.h"

/// Sessions for tests: made by rule, the same on every machine.
namespace ifm::simulated {

struct Series {
  std::string engine, model;
  double fixed_s = 0.06;
  double per_token_s = 0.0098;
  double noise = 0.012;  ///< relative sd between repeats
};

struct Design {
  std::vector<Series> series{{"embedded", "smollm2-135m"}};
  std::vector<std::string> prompts{"question", "explanation", "reasoning"};
  std::vector<int> max_tokens{64, 128, 256};
  std::vector<double> temperatures{0.3, 0.7};
  int repeats = 3;
  std::vector<int> failing_orders;
};

inline Environment environment() {
  Environment e;
  e.host_class = "virtual machine (kvm)";
  e.os = "Debian GNU/Linux 12 (bookworm)";
  e.kernel = "Linux 6.1.0-18-amd64";
  e.cpu = "AMD EPYC 7B13";
  e.isa = "avx2";
  e.compiler = "GNU 12.2.0, Release";
  e.compiler_flags = "-O3 -DNDEBUG -std=c++20";
  e.inferometer_version = "0.1.0";
  e.inferometer_commit = "0123abc";
  e.physical_cores = 1;
  e.logical_cores = 2;
  e.memory_bytes = 8'327'000'000;
  e.load_1m = 0.31;
  e.read_gb_per_s = 21.4;
  e.int8_gmac_per_s = 412;
  e.caches = "L1 1 × 32 KiB, L2 1 × 512 KiB, L3 1 × 32 MiB";
  e.microcode = "0xa001173";
  e.timer_resolution_ns = 31;
  e.clock_stamp_ns = 24.5;
  e.sleep_late_p50_ns = 55'000;
  e.sleep_late_p99_ns = 130'000;
  e.harness_overhead_ns_per_token = 115;
  e.unavailable = {"energy: no powercap here (virtual machine)", "governor: no cpufreq here (virtual machine)"};
  e.steal_percent = 0.4;
  return e;
}

inline Session session(const Design& design) {
  Session s;
  s.id = 3;
  s.started_utc = "2026-01-02T03:04:05Z";
  s.finished_utc = "2026-01-02T03:09:05Z";
  s.command = "inferometer run plans/edge-study.yaml";
  s.order_seed = 1;
  s.environment = environment();
  s.plan.name = "edge-study";
  s.plan.source = "version: 1\nname: edge-study\n";
  s.plan.hash = std::string(64, 'a');
  s.plan.engines.clear();
  for (const Series& series : design.series) {
    s.plan.engines.push_back({.id = series.engine});
    s.plan.models.push_back(series.model);
    SessionModel m{.engine = series.engine, .model = series.model, .path = "models/" + series.model, .architecture = "llama"};
    m.quantization = "4-bit affine, group 32";
    m.hash = std::string(64, 'b');
    m.isa = "avx2";
    m.accuracy = "fast";
    m.threads = 2;
    m.context = 2048;
    m.weight_bytes = 98'000'000;
    m.parameters = 134'515'008;
    m.bytes_per_token = 90'000'000;
    m.macs_per_token = 106'000'000;
    m.head_macs = 28'000'000;
    m.attention_macs_per_position = 34'560;
    m.logits_only_macs = 2'500'000;
    m.cache_bytes_per_position = 23'040;
    m.load_s = 0.083;
    s.models.push_back(m);
  }
  std::sort(s.plan.engines.begin(), s.plan.engines.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto same = [](const auto& a, const auto& b) { return a.id == b.id; };
  s.plan.engines.erase(std::unique(s.plan.engines.begin(), s.plan.engines.end(), same), s.plan.engines.end());
  std::sort(s.plan.models.begin(), s.plan.models.end());
  s.plan.models.erase(std::unique(s.plan.models.begin(), s.plan.models.end()), s.plan.models.end());
  for (const std::string& prompt : design.prompts) s.plan.prompts.push_back({.id = prompt, .text = "Text of " + prompt});
  s.plan.max_tokens = design.max_tokens;
  s.plan.temperatures = design.temperatures;
  s.plan.repeats = design.repeats;
  return s;
}

/// About normal, sd 1: the sum of twelve uniform numbers less 6.
inline double bell(Rng& rng) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += rng.uniform();
  return sum;
}

inline void time_run(Run& run, const Series& series, Rng& rng) {
  const double level = std::exp(series.noise * bell(rng) + (rng.uniform() < 0.03 ? 0.06 : 0.0));
  const int64_t prefill_ns = static_cast<int64_t>(1e9 * series.fixed_s * level);
  const int64_t gap_ns = static_cast<int64_t>(1e9 * series.per_token_s * level);
  run.prefill_begin_ns = run.start_ns + 1'000'000;
  run.prefill_end_ns = run.start_ns + prefill_ns - 1'000'000;
  for (int i = 0; i < run.max_tokens; ++i) {
    run.stamps.offset_ns.push_back(prefill_ns + gap_ns * i + static_cast<int64_t>(rng.below(20'000)));
    run.stamps.tokens.push_back(1);
  }
  run.first_text_ns = run.stamps.offset_ns.front();
  run.prompt_tokens = 42;
  run.cached_tokens = 0;
  run.output_tokens = run.max_tokens;
  run.count_source = "engine";
  run.finish_reason = "length";
  run.ids_hash = std::string(64, 'c');
}

/// The runs of a design in shuffled blocks.
inline std::vector<Run> runs(const Design& design) {
  Rng rng(20260102);
  std::vector<Run> all;
  int64_t now_ns = 1'000'000'000;
  for (int repeat = 0; repeat < design.repeats; ++repeat) {
    std::vector<Run> block;
    std::vector<size_t> series_index;
    for (size_t s = 0; s < design.series.size(); ++s) {
      for (const std::string& prompt : design.prompts) {
        for (const int tokens : design.max_tokens) {
          for (const double temperature : design.temperatures) {
            Run run{.block = repeat, .cell = static_cast<int>(block.size()), .repeat = repeat};
            run.engine = design.series[s].engine;
            run.model = design.series[s].model;
            run.prompt = prompt;
            run.max_tokens = tokens;
            run.temperature = temperature;
            run.seed = rng();
            block.push_back(std::move(run));
            series_index.push_back(s);
          }
        }
      }
    }
    std::vector<size_t> order(block.size());
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
    for (const size_t i : order) {
      Run run = block[i];
      run.order = static_cast<int>(all.size());
      run.id = run.order + 1;
      if (run.order > 0) run.predecessor = run.order - 1;
      run.intended_start_ns = run.start_ns = now_ns;
      time_run(run, design.series[series_index[i]], rng);
      now_ns += run.stamps.offset_ns.back() + 200'000'000;
      if (std::find(design.failing_orders.begin(), design.failing_orders.end(), run.order) != design.failing_orders.end()) {
        run.status = RunStatus::failed;
        run.error_kind = "timeout";
        run.error_message = "embedded: no token for 30 s";
      }
      run.metrics = metrics_of(run);
      all.push_back(std::move(run));
    }
  }
  return all;
}

inline Study study(const Design& design) { return analyze(session(design), runs(design)); }

}  // namespace ifm::simulated
