#include "inferometer/analysis/study.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/many_runs.h"
#include "inferometer/analysis/metrics.h"
#include "inferometer/analysis/run_table.h"
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

const char* to_string(RooflinePoint::Phase phase) { return phase == RooflinePoint::Phase::prefill ? "prefill" : "decode"; }

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

StudyBuilder::StudyBuilder(Session session) : table_(std::make_unique<RunTable>()) { study_.session = std::move(session); }
StudyBuilder::StudyBuilder(StudyBuilder&&) noexcept = default;
StudyBuilder::~StudyBuilder() = default;

void StudyBuilder::add(const Run& run) {
  if (count(run)) keep(Run(run));
}

void StudyBuilder::add(Run&& run) {
  if (count(run)) keep(std::move(run));
}

void StudyBuilder::keep(Run&& run) {
  study_.runs.push_back(std::move(run));
  if (study_.runs.size() > 2 * size_t{kManyRuns}) thin();
}

/// Whether it is one of those that are kept.
bool StudyBuilder::count(const Run& run) {
  if (run.kind == RunKind::warmup) {
    ++study_.runs_warmup;
    return false;
  }
  ++(run.status == RunStatus::ok ? study_.runs_ok : study_.runs_failed);
  if (run.status == RunStatus::failed) ++study_.failures[run.error_kind.empty() ? "unknown" : run.error_kind];
  if (is_timed(run)) {
    const bool other = study_.session.plan.ignore_eos && run.output_tokens && *run.output_tokens != run.max_tokens;
    study_.runs_other_length += other ? 1 : 0;
    study_.runs_cached += run.cached_tokens.value_or(0) > 0 ? 1 : 0;
    see_gap(smallest_gap_ns(run));
  } else if (run.status == RunStatus::ok) {
    ++study_.runs_invalid;
  }
  table_->add(run);
  return seen_++ % stride_ == 0;
}

void StudyBuilder::see_gap(std::optional<int64_t> gap_ns) {
  if (gap_ns) smallest_gap_ns_ = std::min(smallest_gap_ns_.value_or(*gap_ns), *gap_ns);
}

void StudyBuilder::thin() {
  stride_ *= 2;
  size_t kept = 0;
  for (size_t i = 0; i < study_.runs.size(); i += 2) std::swap(study_.runs[kept++], study_.runs[i]);
  study_.runs.resize(kept);
}

void StudyBuilder::append(StudyBuilder&& later) {
  while (stride_ < later.stride_) thin();
  while (later.stride_ < stride_) later.thin();
  std::move(later.study_.runs.begin(), later.study_.runs.end(), std::back_inserter(study_.runs));
  study_.runs_warmup += later.study_.runs_warmup;
  study_.runs_ok += later.study_.runs_ok;
  study_.runs_failed += later.study_.runs_failed;
  study_.runs_invalid += later.study_.runs_invalid;
  study_.runs_other_length += later.study_.runs_other_length;
  study_.runs_cached += later.study_.runs_cached;
  for (const auto& [kind, runs] : later.study_.failures) study_.failures[kind] += runs;
  table_->append(std::move(*later.table_));
  see_gap(later.smallest_gap_ns_);
  seen_ += later.seen_;
}

Study StudyBuilder::finish() {
  if (smallest_gap_ns_) study_.smallest_gap_s = static_cast<double>(*smallest_gap_ns_) / 1e9;
  if (seen_ > kManyRuns) {
    study_.runs_are_sample = true;
    while (study_.runs.size() > size_t{kManyRuns}) thin();
    fill_study_of_many(study_, *table_);
  } else {
    fill_groups(study_);
    fill_scaling(study_);
    fill_temperature(study_);
    fill_series_effects(study_);
    fill_variance(study_);
    fill_drift(study_);
    fill_token_gaps(study_);
    fill_determinism(study_);
    fill_flags(study_);
  }
  fill_memory_shares(study_);
  fill_roofline(study_);
  fill_fitness(study_);
  write_conclusions(study_);
  write_warnings(study_);
  return std::move(study_);
}

Study analyze(const Session& session, const std::vector<Run>& runs) {
  std::vector<const Run*> in_order;
  for (const Run& run : runs) in_order.push_back(&run);
  std::ranges::stable_sort(in_order, {}, &Run::order);
  StudyBuilder builder(session);
  for (const Run* run : in_order) builder.add(*run);
  return builder.finish();
}

}  // namespace ifm
