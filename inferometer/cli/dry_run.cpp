#include "inferometer/cli/dry_run.h"

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inferometer/cli/output.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/kernel/limits.h"
#include "inferometer/machine/cpu.h"
#include "inferometer/measure/estimate.h"
#include "inferometer/measure/one_run.h"

namespace ifm {
namespace {

constexpr int64_t kLimitDurationNs = 150'000'000;

/// Estimates runs, loading each model once.
class Estimator {
 public:
  Estimator(const Plan& plan, const ModelResolver& resolve, const EngineFactory& make_engine)
      : plan_(plan), resolve_(resolve), make_engine_(make_engine) {}

  [[nodiscard]] std::optional<double> seconds(const Cell& cell) {
    const PlanEngine& engine = plan_.engines[static_cast<std::size_t>(cell.engine)];
    if (engine.kind == "simulated") return estimate_simulated_s(engine, cell);
    Loaded& loaded = model_of(cell);
    if (loaded.model == nullptr) return std::nullopt;  // somebody else's machine
    const auto prompt = static_cast<int>(loaded.model->encode(request_of(plan_, cell, 0)).size());
    return estimate_run_s(loaded.model->info(), limits(loaded.model->info()), prompt, cell.max_tokens);
  }

 private:
  struct Loaded {
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Model> model;
  };

  Loaded& model_of(const Cell& cell) {
    Loaded& loaded = loaded_[{cell.engine, cell.model}];
    if (loaded.engine == nullptr) {
      const std::string& name = name_of_model(plan_, cell.engine, cell.model);
      loaded.engine = make_engine_(plan_.engines[static_cast<std::size_t>(cell.engine)], Mode::warm);
      if (loaded.engine->needs_files()) loaded.model = loaded.engine->load(resolve_(name), name);
    }
    return loaded;
  }

  const MachineLimits& limits(const ModelInfo& model) {
    const int threads = model.threads > 0 ? model.threads : cpu_info().physical_cores;
    const auto at = limits_.find({threads, model.isa});
    if (at != limits_.end()) return at->second;
    return limits_[{threads, model.isa}] = {
               .read_gb_per_s = measure_read_gb_per_s(threads, memory_set_bytes(cpu_info().cache_bytes), kLimitDurationNs),
               .int8_gmac_per_s = measure_int8_peak(threads, kLimitDurationNs, model.isa).gmac_per_s};
  }

  const Plan& plan_;
  const ModelResolver& resolve_;
  const EngineFactory& make_engine_;
  std::map<std::pair<int, int>, Loaded> loaded_;
  std::map<std::pair<int, std::string>, MachineLimits> limits_;  // by threads and instruction set
};

}  // namespace

void print_dry_run(const Plan& plan, const ModelResolver& resolve, const EngineFactory& make_engine) {
  Estimator estimator(plan, resolve, make_engine);
  const std::vector<Cell> cells = expand_cells(plan);
  TextTable table({"cell", "mode", "engine", "model", "prompt", "max_tokens", "temperature", "seconds a run (estimate)"});
  double total_s = 0;
  bool all_known = true;
  for (const Cell& cell : cells) {
    const std::optional<double> seconds = estimator.seconds(cell);
    total_s += seconds.value_or(0) * plan.repeats;
    all_known = all_known && seconds.has_value();
    table.add({fmt::format("{}", cell.index), to_string(cell.mode), plan.engines[static_cast<std::size_t>(cell.engine)].id,
               plan.models[static_cast<std::size_t>(cell.model)],
               printable(plan.prompts[static_cast<std::size_t>(cell.prompt)].id), fmt::format("{}", cell.max_tokens),
               fmt::format("{}", cell.temperature), seconds ? fmt::format("{:.2f}", *seconds) : ""});
  }
  const auto runs = static_cast<int64_t>(cells.size()) * plan.repeats;
  fmt::print("{}\n{}: {} cells x {} repeats = {} runs, in {} shuffled blocks\n", table.plain(), plan.name, cells.size(),
             plan.repeats, runs, plan.repeats);
  if (all_known) {
    fmt::print("expected time: about {} (an estimate from bytes, multiply-adds and this machine's measured limits; {})\n",
               format_duration(total_s), "warm-up, and loading in cold mode, come on top");
  } else {
    fmt::print("expected time: unknown (an engine does not say what a token costs)\n");
  }
}

}  // namespace ifm
