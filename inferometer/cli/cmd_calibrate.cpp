#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/output.h"
#include "inferometer/measure/calibration.h"

namespace ifm {
namespace {

struct CalibrateFlags {
  int attempts = 5;
  bool json = false;
};

Json spread_json(const Spread& spread) {
  return {{"n", spread.n}, {"p50", spread.p50}, {"p99", spread.p99}, {"max", spread.max}};
}

Json calibration_json(const Calibration& c, int attempts) {
  return {{"overhead_ns_per_token", c.overhead_ns_per_token},
          {"stamp_ns", c.stamp_ns},
          {"timer_resolution_ns", json_or_null(c.timer_resolution_ns)},
          {"loopback",
           {{"requests", c.loopback.requests},
            {"receive_minus_send_ns", spread_json(c.loopback.receive_minus_send_ns)},
            {"ttft_error_ns", spread_json(c.loopback.ttft_error_ns)},
            {"mean_itl_error", c.loopback.mean_itl_error},
            {"e2e_error", c.loopback.e2e_error}}},
          {"machine",
           {{"late_ns", spread_json(c.disturbance.late_ns)},
            {"others_cores", json_or_null(c.disturbance.others_cores)},
            {"steal_percent", json_or_null(c.disturbance.steal_percent)}}},
          {"quiet", c.disturbance.quiet()},
          {"within_bounds", within_bounds(c.loopback)},
          {"attempts", attempts}};
}

std::string micro(double ns) { return fmt::format("{:.3g} µs", ns * 1e-3); }

std::string spread_text(const Spread& spread) {
  return fmt::format("p50 {}, p99 {}, largest {}", micro(spread.p50), micro(spread.p99), micro(spread.max));
}

std::string calibration_text(const Calibration& c, int attempts) {
  TextTable table({"", ""}, TextTable::Numbers::as_words);
  table.add({"the laboratory adds", fmt::format("{} per token, {:.2g} % of a gap of 1 ms", micro(c.overhead_ns_per_token),
                                                c.overhead_ns_per_token * 1e-4)});
  table.add({"one stamp costs",
             fmt::format("{:.0f} ns{}", c.stamp_ns,
                         c.timer_resolution_ns ? fmt::format(", resolution {:.0f} ns", *c.timer_resolution_ns) : "")});
  const LoopbackTruth& truth = c.loopback;
  table.add({"over HTTP, received − sent", spread_text(truth.receive_minus_send_ns)});
  table.add({"TTFT measured − true", spread_text(truth.ttft_error_ns)});
  table.add(
      {"mean gap, E2E", fmt::format("off by {:.2g} %, at most {:.2g} %", 100 * truth.mean_itl_error, 100 * truth.e2e_error)});
  table.add({"a sleeping thread wakes late by", spread_text(c.disturbance.late_ns)});
  if (c.disturbance.others_cores) table.add({"other processes use", fmt::format("{:.2g} cores", *c.disturbance.others_cores)});
  if (c.disturbance.steal_percent)
    table.add({"stolen by a hypervisor", fmt::format("{:.2g} % of the CPU time", *c.disturbance.steal_percent)});
  std::string text = table.plain() + "\n";
  if (within_bounds(truth)) {
    text += "The bounds of the method hold on this machine";
  } else {
    text += "The bounds of the method do not hold on this machine";
  }
  text += c.disturbance.quiet() ? ", which is quiet" : ", which is NOT quiet: others disturb what is measured now";
  return text + fmt::format(" (attempt {}).\n", attempts);
}

int calibrate_command(const CalibrateFlags& flags) {
  int attempt = 1;
  Calibration calibration = calibrate();
  while (attempt < flags.attempts && !within_bounds(calibration.loopback)) {
    calibration = calibrate();
    ++attempt;
  }
  if (flags.json) {
    print_json(calibration_json(calibration, attempt));
  } else {
    fmt::print("{}", calibration_text(calibration, attempt));
  }
  // A quiet machine on which we measure wrongly is a failure of ours; a busy one is a finding.
  return within_bounds(calibration.loopback) || !calibration.disturbance.quiet() ? exit_done : exit_failed;
}

}  // namespace

void add_calibrate(CLI::App& app, CliContext& context) {
  CLI::App* verb =
      add_verb(app, "calibrate", "How well this program measures here: its own overhead, and a server whose times are known",
               "  inferometer calibrate\n  inferometer calibrate --attempts 1 --json\n\n"
               "A server in this process sends tokens on the loopback interface at known times, and what the client\n"
               "measures is compared with them. Bounds (docs/method.md): received − sent p99 0.25 ms; TTFT p50 0.5 ms,\n"
               "p99 2 ms; mean gap 0.2 %; E2E 0.5 %. Exit code 1 when they do not hold on a quiet machine.");
  auto flags = std::make_shared<CalibrateFlags>();  // shared with the callback, which outlives this function
  verb->add_option("--attempts", flags->attempts, "Measure again so often until the bounds hold")
      ->check(number_between(1, 100))
      ->capture_default_str();
  verb->add_flag("--json", flags->json, "Print JSON");
  verb->callback([flags, &context] { context.action = [flags] { return calibrate_command(*flags); }; });
}

}  // namespace ifm
