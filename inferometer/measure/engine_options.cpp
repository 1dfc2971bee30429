#include "inferometer/measure/engine_options.h"

#include <cmath>

namespace ifm {
namespace {

SimulatedTiming timing_of(const PlanEngine& engine) {
  SimulatedTiming timing;
  const auto ns = [](double value, double unit_ns) { return std::llround(value * unit_ns); };
  for (const auto& [key, value] : engine.simulated) {
    if (key == "load_ms") timing.load_ns = ns(value, 1e6);
    if (key == "ttft_ms") timing.ttft_ns = ns(value, 1e6);
    if (key == "prefill_us_per_token") timing.prefill_ns_per_token = ns(value, 1e3);
    if (key == "gap_ms") timing.gap_ns = ns(value, 1e6);
    if (key == "gap_sd") timing.gap_sd = value;
    if (key == "run_sd") timing.run_sd = value;
    if (key == "temperature_slope") timing.temperature_slope = value;
    if (key == "fail_every") timing.fail_every = static_cast<int>(value);
    if (key == "prompt_tokens") timing.prompt_tokens = static_cast<int>(value);
  }
  return timing;
}

}  // namespace

EngineOptions engine_options_of(const PlanEngine& engine, Mode mode) {
  EngineOptions options;
  options.kind = mode == Mode::cold && engine.kind == "embedded" ? "process" : engine.kind;
  options.threads = engine.threads;
  options.accuracy = engine.accuracy == "exact" ? Accuracy::exact : Accuracy::fast;
  options.context = engine.context;
  options.isa = engine.isa;
  options.speculation = engine.speculate == "lookup" ? Speculation::lookup : Speculation::off;
  options.program = engine.program;
  options.simulated = timing_of(engine);
  return options;
}

}  // namespace ifm
