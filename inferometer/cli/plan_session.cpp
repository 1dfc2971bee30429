#include "inferometer/cli/plan_session.h"

#include <algorithm>
#include <cctype>

#include "inferometer/base/error.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/cli/results.h"
#include "inferometer/cli/run_progress.h"
#include "inferometer/engine/registry.h"
#include "inferometer/hub/resolve.h"
#include "inferometer/measure/engine_options.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

/// @throws Error usage when results would be written into a model's own folder (FAULTS 61).
void check_outside_models(const fs::path& out, const ModelPaths& models) {
  const fs::path place = fs::weakly_canonical(fs::absolute(out));
  for (const auto& [of, path] : models) {
    if (path.empty()) continue;
    const fs::path inside = fs::weakly_canonical(fs::absolute(path));
    const auto ends = std::mismatch(inside.begin(), inside.end(), place.begin(), place.end());
    if (ends.first == inside.end()) {
      fail(ErrorKind::usage, "--out: {} lies inside the model {} (expected a folder of its own)", out.string(), path.string());
    }
  }
}

/// Where a managed server's output is kept. An engine's name is free text.
fs::path log_of(const fs::path& out, std::string engine) {
  std::ranges::replace_if(
      engine, [](unsigned char c) { return std::isalnum(c) == 0 && c != '-'; }, '_');
  return out / "servers" / (engine + ".log");
}

}  // namespace

EngineFactory plan_engines(const Plan& plan, const fs::path& out, Clock& clock) {
  return [&plan, out, &clock](const PlanEngine& engine, Mode mode) {
    EngineOptions options = engine_options_of(engine, mode, plan.timeouts);
    options.server.log = log_of(out, engine.id);
    return make_engine(options, clock);
  };
}

ModelResolver plan_models() {
  return [](const std::string& model) { return resolve_model(model, HubOptions{}).path; };
}

EndedSession run_plan_into(const fs::path& out, const Plan& plan, const SessionOptions& options) {
  SteadyClock clock;
  const EngineFactory factory = plan_engines(plan, out, clock);
  const ModelResolver resolve = plan_models();
  check_outside_models(out, find_models(plan, factory, resolve));
  check_engines(plan, factory);
  make_writable_folder(out);
  Store store(out / "inferometer.db", Store::Access::write);
  const auto probe = make_machine_probe();
  RunProgress progress;
  const InterruptGuard guard;
  EndedSession ended;
  ended.outcome = run_session(plan, options, {factory, resolve, clock, store, *probe, progress, guard.token()});
  progress.finish(ended.outcome.interrupted);
  ended.session = store.session(ended.outcome.session);
  ended.runs = store.runs(ended.outcome.session);
  ended.blocks = store.blocks(ended.outcome.session);
  ended.last_error = progress.last_error();
  return ended;
}

}  // namespace ifm
