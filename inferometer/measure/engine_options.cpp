#include "inferometer/measure/engine_options.h"

#include <cmath>

#include "inferometer/engine/registry.h"

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

ServerOptions server_of(const PlanServer& server, const PlanTimeouts& timeouts) {
  return {.url = server.url,
          .model = server.model,
          .key_variable = server.key_variable,
          .headers = server.headers,
          .body = server.body,
          .ca_file = server.ca_file,
          .proxy = server.proxy,
          .socket = server.socket,
          .connect_s = timeouts.connect_s,
          .first_token_s = timeouts.first_token_s,
          .gap_s = timeouts.gap_s,
          .command = server.command,
          .ready = server.ready,
          .ready_s = server.ready_s};
}

}  // namespace

EngineOptions engine_options_of(const PlanEngine& engine, Mode mode, const PlanTimeouts& timeouts) {
  EngineOptions options;
  options.kind = engine.kind;
  options.inner = engine.inner;
  options.threads = engine.threads;
  options.accuracy = engine.accuracy == "exact" ? Accuracy::exact : Accuracy::fast;
  options.context = engine.context;
  options.isa = engine.isa;
  options.speculation = engine.speculate == "lookup" ? Speculation::lookup : Speculation::off;
  options.cache_type = engine.cache_type;
  if (engine.flash_attention != "auto") options.flash_attention = engine.flash_attention == "on";
  options.device = engine.device;
  options.program = engine.program;
  options.server = server_of(engine.server, timeouts);
  options.simulated = timing_of(engine);
  if (mode == Mode::cold && lives_in_this_process(options)) {
    options.inner = options.kind;
    options.kind = "process";
  }
  return options;
}

}  // namespace ifm
