#include "inferometer/measure/estimate.h"

#include "inferometer/measure/engine_options.h"

namespace ifm {
namespace {

constexpr double kShareOfPeak = 0.5;
constexpr double kShareOfBandwidth = 0.8;

}  // namespace

double estimate_simulated_s(const PlanEngine& engine, const Cell& cell) {
  const SimulatedTiming timing = engine_options_of(engine, cell.mode, {}).simulated;
  const double first = static_cast<double>(timing.ttft_ns + timing.prefill_ns_per_token * timing.prompt_tokens);
  const double rest = static_cast<double>(timing.gap_ns) * (cell.max_tokens - 1);
  const double load = cell.mode == Mode::cold ? static_cast<double>(timing.load_ns) : 0.0;
  return (load + (first + rest) * (1.0 + timing.temperature_slope * cell.temperature)) * 1e-9;
}

std::optional<double> estimate_run_s(const ModelInfo& model, const MachineLimits& limits, int prompt_tokens, int max_tokens) {
  if (!model.bytes_per_token || !model.macs_per_token || limits.read_gb_per_s <= 0 || limits.int8_gmac_per_s <= 0) {
    return std::nullopt;
  }
  const double macs = static_cast<double>(*model.macs_per_token) * prompt_tokens;
  const double bytes = static_cast<double>(*model.bytes_per_token) * (max_tokens - 1);
  return macs / (kShareOfPeak * limits.int8_gmac_per_s * 1e9) + bytes / (kShareOfBandwidth * limits.read_gb_per_s * 1e9);
}

}  // namespace ifm
