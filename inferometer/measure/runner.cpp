#include "inferometer/measure/runner.h"

#include <algorithm>
#include <new>

#include "inferometer/analysis/metrics.h"
#include "inferometer/base/error.h"
#include "inferometer/measure/checks.h"
#include "inferometer/measure/run_resources.h"
#include "inferometer/measure/session_runner.h"

namespace ifm {
namespace {

/// A jump of the sleeping clock that two readings a moment apart cannot explain.
constexpr int64_t kSuspendToleranceNs = 100'000'000;

int64_t end_of(const Run& run) {
  return run.start_ns + (run.stamps.offset_ns.empty() ? 0 : std::max<int64_t>(0, run.stamps.offset_ns.back()));
}

/// Failures after which an engine may be in any state, so that it is made anew; the others come from the request.
bool may_have_broken_engine(const Run& run) {
  return run.status == RunStatus::failed && run.error_kind != to_string(ErrorKind::usage) &&
         run.error_kind != to_string(ErrorKind::resource) && run.error_kind != "clock" && run.error_kind != "suspended";
}

}  // namespace

const std::string& name_of_model(const Plan& plan, int engine, int model) {
  const std::string& own = plan.engines[static_cast<std::size_t>(engine)].model;
  return own.empty() ? plan.models[static_cast<std::size_t>(model)] : own;
}

ModelPaths find_models(const Plan& plan, const EngineFactory& make_engine, const ModelResolver& resolve) {
  ModelPaths paths;
  for (const Mode mode : plan.modes) {
    for (int e = 0; e < static_cast<int>(plan.engines.size()); ++e) {
      const auto engine = make_engine(plan.engines[static_cast<std::size_t>(e)], mode);
      for (int m = 0; m < static_cast<int>(plan.models.size()); ++m) {
        std::filesystem::path& path = paths[{e, m}];
        try {
          path = resolve(name_of_model(plan, e, m));
        } catch (const Error&) {
          // Without the files a server's counts of tokens cannot be checked; that is all.
          if (engine->needs_files()) throw;
        }
      }
    }
  }
  return paths;
}

void check_engines(const Plan& plan, const EngineFactory& make_engine) {
  for (const PlanEngine& engine : plan.engines) {
    under([&] { return "engine " + engine.id; }, [&] { make_engine(engine, plan.modes.front())->check(); });
  }
}

SessionRunner::SessionRunner(const Plan& plan, const SessionOptions& options, SessionWorld world)
    : plan_(plan), options_(options), world_(std::move(world)), cells_(expand_cells(plan)) {
  if (plan.stop) early_stop_.emplace(*plan.stop);
}

SessionOutcome SessionRunner::run() {
  paths_ = find_models(plan_, world_.make_engine, world_.resolve_model);
  if (options_.start == SessionStart::fresh) {
    begin_fresh();
  } else {
    begin_resumed();
  }
  world_.observer.on_session(session_, plan_, static_cast<int>(cells_.size()) * runs_of_cell(plan_),
                             static_cast<int>(done_.size()));
  const auto blocks = plan_.pairs > 0 ? plan_pairs(cells_, plan_.repeats, plan_.pairs + plan_.extra_pairs, order_seed_)
                                      : plan_order(cells_, plan_.repeats, order_seed_);
  for (std::size_t block = 0; block < blocks.size() && !outcome_.interrupted; ++block) {
    const auto beyond = static_cast<int>(block) - plan_.pairs;
    if (plan_.pairs > 0 && beyond >= 0 && beyond >= flagged_pairs()) break;
    run_block(static_cast<int>(block), blocks[block]);
    // After a whole block only: every cell has the same number of runs.
    if (early_stop_ && !outcome_.interrupted &&
        early_stop_->ends_after(static_cast<int>(block) + 1, world_.clock.now_ns() - origin_.ns))
      break;
  }
  finish();
  return outcome_;
}

/// Flagged pairs so far: one more is run for each, within the plan's budget. Read from the store, which knows what a canary is
/// worth.
int SessionRunner::flagged_pairs() const {
  std::set<int> flagged;
  world_.store.visit_runs(session_, RunDetail::without_tokens, [&](Run&& run) {
    if (run.kind == RunKind::measured && !run.flags.empty()) flagged.insert(run.block);
  });
  return static_cast<int>(flagged.size());
}

void SessionRunner::begin_fresh() {
  Session session;
  session.started_utc = world_.probe.utc_now();
  session.plan = plan_;
  session.order_seed = order_seed_ = order_seed_of(plan_);
  session.environment = world_.probe.environment();
  session.command = options_.command;
  outcome_.session = session_ = world_.store.add_session(session);
  origin_.ns = world_.clock.now_ns();
}

void SessionRunner::begin_resumed() {
  const std::vector<int64_t> sessions = world_.store.sessions();
  if (sessions.empty())
    fail(ErrorKind::usage, "--resume: there is no session here to go on with (expected one that was interrupted)");
  const Session session = world_.store.session(sessions.back());
  if (session.plan.hash != plan_.hash) {
    fail(ErrorKind::usage, "--resume: the plan was edited since session {} began (expected the plan {} with hash {}, got {})",
         session.id, session.plan.name, session.plan.hash.substr(0, 12), plan_.hash.substr(0, 12));
  }
  if (!session.finished_utc.empty()) {
    fail(ErrorKind::usage, "--resume: session {} is finished (expected one that was interrupted)", session.id);
  }
  outcome_.session = session_ = session.id;
  order_seed_ = session.order_seed;
  models_ = session.models;
  int64_t last_end_ns = 0;
  for (const Run& run : world_.store.runs(session_)) {
    next_order_ = std::max(next_order_, run.order + 1);
    last_end_ns = std::max(last_end_ns, end_of(run));
    if (run.kind != RunKind::measured) continue;
    done_.emplace(run.cell, run.repeat);
    if (early_stop_) early_stop_->add(run);
    ++(run.status == RunStatus::ok ? outcome_.runs_ok : outcome_.runs_failed);
  }
  // The session's time goes on where its last run ended; the pause is not part of it.
  origin_.ns = world_.clock.now_ns() - last_end_ns;
}

void SessionRunner::run_block(int block, const std::vector<PlannedRun>& planned) {
  bool recorded = false;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const PlannedRun& next = planned[i];
    if (done_.contains({next.cell, next.repeat})) continue;
    if (world_.stop.stop_requested()) {
      outcome_.interrupted = true;
      return;
    }
    if (!recorded) begin_block(block);
    recorded = true;
    run_planned(block, next);
    if (plan_.pairs > 0) end_process_without_turns(std::span(planned).subspan(i + 1));
  }
}

void SessionRunner::begin_block(int block) {
  if (plan_.pairs > 0) end_processes();
  record_block(block);
}

/// In a comparison every pair has processes of its own.
void SessionRunner::end_processes() {
  loaded_.clear();
  group_.reset();
}

/// Ends the process that ran last, once nothing is left for it: with one turn each, only one side's model is in memory at a time.
void SessionRunner::end_process_without_turns(std::span<const PlannedRun> left) {
  const auto is_its = [&](const PlannedRun& next) {
    const Cell& cell = cells_[static_cast<std::size_t>(next.cell)];
    return group_ == Group{cell.mode, cell.engine, cell.model};
  };
  if (!group_ || std::ranges::any_of(left, is_its)) return;
  loaded_.erase({group_->engine, group_->model});
  group_.reset();
}

void SessionRunner::record_block(int block) {
  BlockRecord record{.block = block, .first_order = next_order_, .started_ns = world_.clock.now_ns() - origin_.ns};
  if (const auto canary = world_.probe.canary()) {
    record.canary_compute_ns = canary->compute_ns;
    record.canary_read_ns = canary->read_ns;
  }
  engines_awake_ = false;
  if (!loaded_.empty()) record.waiting_cpu_share = share_of_those_that_wait();
  const MachineState state = world_.probe.state();
  record.temperature_c = state.temperature_c;
  record.frequency_mhz = state.frequency_mhz;
  record.load_1m = state.load_1m;
  world_.store.add_block(session_, record);
}

/// Of the processor, while no engine has anything to do; from now on runs are flagged if it is too much.
std::optional<double> SessionRunner::share_of_those_that_wait() {
  park_group();
  const std::optional<double> share = world_.probe.waiting_cpu_share();
  engines_awake_ = share.value_or(0) > kWaitingCpuTolerance;
  return share;
}

void SessionRunner::run_planned(int block, const PlannedRun& planned) {
  const Cell& cell = cells_[static_cast<std::size_t>(planned.cell)];
  std::string load_error;
  std::string load_error_kind;
  try {
    enter_group({cell.mode, cell.engine, cell.model}, block, cell);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) throw;
    load_error = error.message();
    load_error_kind = to_string(error.kind());
  }
  Run run = new_run(block, cell, planned.repeat, RunKind::measured);
  world_.observer.on_run_begin(run);
  if (!load_error_kind.empty()) {
    run.start_ns = run.intended_start_ns = world_.clock.now_ns() - origin_.ns;
    set_failed(run, load_error_kind, load_error);
  } else if (cell.mode == Mode::warm) {
    run_warm(run, cell);
  } else {
    run_cold(run, cell);
  }
  commit(run);
  if (cell.mode == Mode::warm && may_have_broken_engine(run)) loaded_.erase({cell.engine, cell.model});
}

void SessionRunner::park_group() {
  if (!group_ || group_->mode != Mode::warm) return;
  const auto at = loaded_.find({group_->engine, group_->model});
  if (at != loaded_.end()) at->second.model->park();
}

void SessionRunner::enter_group(const Group& group, int block, const Cell& cell) {
  const bool same = group_ == group;
  if (!same) park_group();
  group_ = group;
  if (group.mode == Mode::cold) return;
  const auto at = loaded_.find({group.engine, group.model});
  if (at != loaded_.end()) {
    if (!same) warm_up(block, cell, *at->second.model, nullptr, 1);
    return;
  }
  const auto index = [](int i) { return static_cast<std::size_t>(i); };
  const PairKey key{group.engine, group.model};
  // In a comparison what would compute in this process does so in a child, as in cold mode.
  LoadedPair pair = load_pair(plan_.engines[index(group.engine)], plan_.pairs > 0 ? Mode::cold : Mode::warm, paths_.at(key),
                              name_of_model(plan_, key.first, key.second), world_);
  const LoadedPair& kept = loaded_[{group.engine, group.model}] = std::move(pair);
  warm_up(block, cell, *kept.model, &kept, plan_.warmup);
  remember_model(cell, kept);  // after the warm-up: a server says its version with an answer
  // A pair's block began with nothing loaded.
  if (plan_.pairs > 0 && loaded_.size() > 1) (void)share_of_those_that_wait();
}

void SessionRunner::warm_up(int block, const Cell& cell, Model& model, const LoadedPair* just_loaded, int runs) {
  for (int i = 0; i < runs; ++i) {
    const int nth = warmups_[{cell.engine, cell.model}]++;
    Run run = new_run(block, cell, nth, RunKind::warmup);
    run.seed = run_seed(plan_.seed, cell.index, -1 - nth);
    if (just_loaded != nullptr && i == 0) {
      run.load_begin_ns = just_loaded->load_begin_ns - origin_.ns;
      run.load_end_ns = just_loaded->load_end_ns - origin_.ns;
    }
    world_.observer.on_run_begin(run);
    measured(run, [&] {
      perform(run, RunStart::now, model, request_of(plan_, cell, run.seed), plan_.timeouts, world_.clock, origin_);
    });
    commit(run);
  }
}

Run SessionRunner::new_run(int block, const Cell& cell, int repeat, RunKind kind) const {
  Run run;
  run.order = next_order_;
  run.block = block;
  run.cell = cell.index;
  run.repeat = repeat;
  run.kind = kind;
  run.predecessor = last_order_;
  run.seed = run_seed(plan_.seed, cell.index, repeat);
  run.mode = cell.mode;
  run.engine = plan_.engines[static_cast<std::size_t>(cell.engine)].id;
  run.model = plan_.models[static_cast<std::size_t>(cell.model)];
  run.prompt = plan_.prompts[static_cast<std::size_t>(cell.prompt)].id;
  run.max_tokens = cell.max_tokens;
  run.temperature = cell.temperature;
  return run;
}

void SessionRunner::run_warm(Run& run, const Cell& cell) {
  Model& model = *loaded_.at({cell.engine, cell.model}).model;
  measured(run,
           [&] { perform(run, RunStart::now, model, request_of(plan_, cell, run.seed), plan_.timeouts, world_.clock, origin_); });
}

void SessionRunner::run_cold(Run& run, const Cell& cell) {
  const PairKey key{cell.engine, cell.model};
  const std::filesystem::path& path = paths_.at(key);
  const PlanEngine& engine = plan_.engines[static_cast<std::size_t>(cell.engine)];
  if (plan_.page_cache == PageCache::dropped) world_.probe.drop_page_cache(path);
  run.page_cache_share = world_.probe.page_cache_share(path);
  measured(run, [&] {
    run.start_ns = run.intended_start_ns = world_.clock.now_ns() - origin_.ns;
    try {
      const LoadedPair pair = load_pair(engine, Mode::cold, path, name_of_model(plan_, key.first, key.second), world_);
      run.load_begin_ns = pair.load_begin_ns - origin_.ns;
      run.load_end_ns = pair.load_end_ns - origin_.ns;
      perform(run, RunStart::before_load, *pair.model, request_of(plan_, cell, run.seed), plan_.timeouts, world_.clock, origin_);
      remember_model(cell, pair);
    } catch (const Error& error) {
      set_failed(run, to_string(error.kind()), error.message());
    } catch (const std::bad_alloc&) {
      set_failed(run, to_string(ErrorKind::resource), "load: out of memory");
    }
  });
}

void SessionRunner::measured(Run& run, const std::function<void()>& work) {
  const RunCounters counted_before = world_.probe.counters(RunEdge::begin);
  const auto cpu_before = world_.probe.cpu_times();
  const auto slept_before = world_.probe.suspended_ns();
  work();
  const auto slept_after = world_.probe.suspended_ns();
  const auto cpu_after = world_.probe.cpu_times();
  run.resources = resources_between(counted_before, world_.probe.counters(RunEdge::end), world_.probe.state());
  run.steal_percent = steal_percent(cpu_before, cpu_after);
  // A single tick of a short run is rounding.
  const bool more_than_a_tick = run.steal_percent && cpu_after->stolen - cpu_before->stolen > 1;
  if (more_than_a_tick && *run.steal_percent > kStealTolerancePercent) run.flags.emplace_back("steal");
  if (slept_before && slept_after && *slept_after - *slept_before > kSuspendToleranceNs) {
    run.flags.emplace_back("suspended");
    set_failed(run, "suspended", "machine: it slept while the run was under way");
  }
}

void SessionRunner::commit(Run& run) {
  if (engines_awake_) run.flags.emplace_back("engines_awake");
  run.metrics = metrics_of(run);
  run.id = world_.store.add_run(session_, run);
  last_order_ = run.order;
  next_order_ = run.order + 1;
  if (run.kind == RunKind::measured) {
    done_.emplace(run.cell, run.repeat);
    if (early_stop_) early_stop_->add(run);
    ++(run.status == RunStatus::ok ? outcome_.runs_ok : outcome_.runs_failed);
  }
  world_.observer.on_run_end(run);
}

void SessionRunner::remember_model(const Cell& cell, const LoadedPair& pair) {
  SessionModel model =
      describe(plan_.engines[static_cast<std::size_t>(cell.engine)], plan_.models[static_cast<std::size_t>(cell.model)], pair);
  const bool known = std::any_of(models_.begin(), models_.end(), [&](const SessionModel& other) {
    return other.engine == model.engine && other.model == model.model;
  });
  if (known) return;
  models_.push_back(std::move(model));
  world_.store.set_models(session_, models_);
}

void SessionRunner::finish() {
  loaded_.clear();
  if (outcome_.interrupted) return;
  // Hashing reads every byte of the weights; before the runs it would have warmed the page cache for the cold ones.
  std::map<std::string, std::string> hashes;
  for (SessionModel& model : models_) {
    if (!model.hash.empty() || model.path.empty()) continue;
    if (!hashes.contains(model.path)) hashes[model.path] = hash_of_weights(model.path);
    model.hash = hashes[model.path];
  }
  world_.store.set_models(session_, models_);
  world_.store.finish_session(session_, world_.probe.utc_now());
}

SessionOutcome run_session(const Plan& plan, const SessionOptions& options, SessionWorld world) {
  return SessionRunner(plan, options, std::move(world)).run();
}

}  // namespace ifm
