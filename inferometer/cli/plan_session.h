#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/measure/runner.h"
#include "inferometer/record/store.h"

namespace ifm {

/// How the engines of a plan are made whose results go into `out`. plan, clock: must outlive it.
[[nodiscard]] EngineFactory plan_engines(const Plan& plan, const std::filesystem::path& out, Clock& clock);
/// Where the models of a plan are found.
[[nodiscard]] ModelResolver plan_models();

/// A session that has ended, as it is stored.
struct EndedSession {
  SessionOutcome outcome;
  Session session;
  std::vector<Run> runs;
  std::vector<BlockRecord> blocks;
  std::string last_error;  ///< of the last run that failed; empty = none did
};

/// Runs a plan into a results folder, with a progress bar; Ctrl-C ends it after the run at hand. What can be known to be wrong is
/// said before the first run. @throws Error usage, not_found, unsupported, network, io; as run_session().
[[nodiscard]] EndedSession run_plan_into(const std::filesystem::path& out, const Plan& plan, const SessionOptions& options);

}  // namespace ifm
