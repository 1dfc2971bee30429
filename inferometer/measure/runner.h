#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "inferometer/base/clock.h"
#include "inferometer/base/stop.h"
#include "inferometer/engine/engine.h"
#include "inferometer/measure/probe.h"
#include "inferometer/record/store.h"

namespace ifm {

/// Makes an engine of a plan: for a cold run one whose load() starts from nothing.
using EngineFactory = std::function<std::unique_ptr<Engine>(const PlanEngine&, Mode)>;
/// Finds a model of a plan. @throws Error not_found.
using ModelResolver = std::function<std::filesystem::path(const std::string&)>;

/// Hears how a session goes. Called between runs, never inside a timing.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  /// `runs`: measured ones in all; `done`: of them, those that an earlier part of the session has committed.
  virtual void on_session(int64_t /*session*/, const Plan& /*plan*/, int /*runs*/, int /*done*/) {}
  /// What is about to run: ids, lengths, kind.
  virtual void on_run_begin(const Run& /*run*/) {}
  /// A run that is committed.
  virtual void on_run_end(const Run& /*run*/) {}
};

/// Whether a session begins, or the latest one goes on where it was left.
enum class SessionStart { fresh, resume };

struct SessionOptions {
  SessionStart start = SessionStart::fresh;
  std::string command;  ///< as typed
};

/// Everything that a session needs of the world outside.
struct SessionWorld {
  EngineFactory make_engine;
  ModelResolver resolve_model;
  Clock& clock;
  Store& store;
  MachineProbe& probe;
  SessionObserver& observer;
  StopToken stop;  ///< looked at between runs: the one at hand is finished and committed
};

/// How a session ended. Counts: measured runs of the whole session, earlier parts included.
struct SessionOutcome {
  int64_t session = 0;
  int runs_ok = 0;
  int runs_failed = 0;
  bool interrupted = false;
};

/// Where the model of each (engine, model) of a plan lies; empty where the engine can do without its files and they are not here.
using ModelPaths = std::map<std::pair<int, int>, std::filesystem::path>;

/// Makes every engine of a plan once and finds every model, so that what is absent is said before the first run.
/// @throws Error unsupported, usage, not_found.
[[nodiscard]] ModelPaths find_models(const Plan& plan, const EngineFactory& make_engine, const ModelResolver& resolve);

/// Asks every engine of a plan whether it can be reached. @throws Error that names the engine.
void check_engines(const Plan& plan, const EngineFactory& make_engine);

/// What an engine loads for a model of the plan.
[[nodiscard]] const std::string& name_of_model(const Plan& plan, int engine, int model);

/// Runs a plan to its end or to a stop: each run is committed before the next begins.
/// @throws Error usage when there is nothing to resume or the plan was edited since (FAULTS 60), not_found for a model, io when
/// the store cannot be written. Errors of engines are recorded, not thrown.
SessionOutcome run_session(const Plan& plan, const SessionOptions& options, SessionWorld world);

}  // namespace ifm
