#include "inferometer/analysis/study.h"

#include <algorithm>

#include <fmt/format.h>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/sentences.h"
#include "inferometer/stats/time_structure.h"

namespace ifm {

static_assert(stats::kLeastForTime == 30, "a sentence below says so");

const char* to_string(NoInterval reason) {
  switch (reason) {
    case NoInterval::none:
      return "";
    case NoInterval::no_repeats:
      return "no cell was repeated";
    case NoInterval::few_in_group:
      return "too few runs in the group";
    case NoInterval::few_in_session:
      return "under 30 runs in the session";
    case NoInterval::drift:
      return "the session drifts";
    case NoInterval::dependent:
      return "neighbouring runs are alike";
  }
  return "";
}

const char* to_string(Equivalence verdict) {
  switch (verdict) {
    case Equivalence::equivalent:
      return "equivalent";
    case Equivalence::different:
      return "different";
    case Equivalence::inconclusive:
      return "inconclusive";
    case Equivalence::not_applicable:
      return "not applicable";
  }
  return "";
}

const char* to_string(Fit verdict) {
  switch (verdict) {
    case Fit::yes:
      return "yes";
    case Fit::no:
      return "no";
    case Fit::undecided:
      return "undecided";
  }
  return "";
}

std::string series_label(const Run& run, bool several_modes) {
  if (!several_modes) return fmt::format("{} · {}", run.engine, run.model);
  return fmt::format("{} · {} · {}", run.engine, run.model, to_string(run.mode));
}

bool is_timed(const Run& run) {
  if (run.kind != RunKind::measured || run.status != RunStatus::ok) return false;
  return std::none_of(run.flags.begin(), run.flags.end(),
                      [](const std::string& flag) { return flag == "clock_disagreement" || flag == "suspended"; });
}

Study analyze(const Session& session, const std::vector<Run>& runs) {
  Study study;
  study.session = session;
  for (const Run& run : runs) {
    if (run.kind == RunKind::warmup) {
      ++study.runs_warmup;
      continue;
    }
    ++(run.status == RunStatus::ok ? study.runs_ok : study.runs_failed);
    if (run.status == RunStatus::ok && !is_timed(run)) ++study.runs_invalid;
    study.runs.push_back(run);
  }
  std::stable_sort(study.runs.begin(), study.runs.end(), [](const Run& a, const Run& b) { return a.order < b.order; });
  fill_groups(study);
  fill_scaling(study);
  fill_temperature(study);
  fill_series_effects(study);
  fill_variance(study);
  fill_drift(study);
  fill_fitness(study);
  fill_determinism(study);
  fill_flags(study);
  write_conclusions(study);
  write_warnings(study);
  return study;
}

}  // namespace ifm
