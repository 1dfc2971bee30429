#include "inferometer/analysis/claims.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "inferometer/analysis/session_change.h"
#include "inferometer/analysis/study.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"

namespace ifm {
namespace {

constexpr double kShapeTolerance = 0.05;      ///< on the same machine
constexpr double kElsewhereTolerance = 0.25;  ///< of shares and shapes on another machine
/// A claim that would have missed a change of this size beyond its tolerance is not decided.
constexpr double kCoarsest = 0.25;
constexpr double kLevel = 0.95;

/// What stands in a claim's column: a time of a run.
struct TimeOfRun {
  const char* id;
  std::optional<double> RunMetrics::*value;
};
constexpr TimeOfRun kFirstToken{"ttft_s", &RunMetrics::ttft_s};
constexpr TimeOfRun kPerToken{"tpot_s", &RunMetrics::tpot_s};
constexpr TimeOfRun kLatency{"latency_s", &RunMetrics::e2e_s};

/// One series of both sessions: mode, engine and model.
struct SeriesOfBoth {
  std::string label;
  std::vector<const Run*> then, now;  ///< measured
};

std::vector<SeriesOfBoth> series_of_both(const RecordedSession& then, const RecordedSession& now) {
  const bool several_modes = then.session.plan.modes.size() > 1;
  std::vector<SeriesOfBoth> all;
  const auto place = [&](const Run& run) -> SeriesOfBoth& {
    const std::string label = series_label(run, several_modes);
    const auto found = std::ranges::find(all, label, &SeriesOfBoth::label);
    return found != all.end() ? *found : all.emplace_back(SeriesOfBoth{label, {}, {}});
  };
  for (const Run& run : then.runs) {
    if (run.kind == RunKind::measured) place(run).then.push_back(&run);
  }
  for (const Run& run : now.runs) {
    if (run.kind == RunKind::measured) place(run).now.push_back(&run);
  }
  return all;
}

SessionTimes times_of(const std::vector<const Run*>& runs, const BlockPaces& paces, const TimeOfRun& time) {
  SessionTimes times{{}, paces};
  for (const Run* run : runs) {
    const std::optional<double>& value = run->metrics.*time.value;
    if (is_timed(*run) && value && *value > 0) times.values.push_back({std::log(*value), run->cell, run->block});
  }
  return times;
}

double mean_of(const SessionTimes& times) {
  std::vector<double> logs;
  for (const CellTime& value : times.values) logs.push_back(value.log);
  return std::exp(stats::mean(logs).value_or(0));
}

/// Mean latency of a length over that of another; null where one was not measured.
std::optional<double> ratio_of_lengths(const std::vector<const Run*>& runs, int length, int other) {
  std::vector<const Run*> of_length;
  std::vector<const Run*> of_other;
  for (const Run* run : runs) {
    if (run->max_tokens == length) of_length.push_back(run);
    if (run->max_tokens == other) of_other.push_back(run);
  }
  const SessionTimes a = times_of(of_length, {}, kLatency);
  const SessionTimes b = times_of(of_other, {}, kLatency);
  if (a.values.empty() || b.values.empty()) return std::nullopt;
  return mean_of(a) / mean_of(b);
}

/// Whether a change is one: its interval against the tolerance.
void judge(Claim& claim) {
  if (!claim.interval) {
    claim.held = Held::undecided;
    if (claim.why.empty()) claim.why = "no cell was measured twice";
    return;
  }
  const bool beyond = claim.interval->low > claim.tolerance || claim.interval->high < -claim.tolerance;
  const double half = (claim.interval->high - claim.interval->low) / 2;
  claim.held = beyond ? Held::no : half > std::log1p(kCoarsest) ? Held::undecided : Held::yes;
}

/// Everything that claims are made of.
class Claims {
 public:
  Claims(const RecordedSession& then, const RecordedSession& now, bool same_machine, std::optional<double> tolerance)
      : then_(then),
        now_(now),
        same_machine_(same_machine),
        tolerance_(tolerance),
        paces_then_(block_paces(then.blocks)),
        paces_now_(block_paces(now.blocks)),
        series_(series_of_both(then, now)) {}

  std::vector<Claim> take() {
    for (const SeriesOfBoth& series : series_) add_tokens(series);
    for (const SeriesOfBoth& series : series_) add_failures(series);
    add_greedy_answers();
    const std::size_t exact = claims_.size();
    // How sure each of the others must be depends on how many they are, so that they are counted first.
    add_measured(kLevel);
    const auto measured = static_cast<double>(claims_.size() - exact);
    claims_.erase(claims_.begin() + static_cast<std::ptrdiff_t>(exact), claims_.end());
    if (measured > 0) add_measured(1 - (1 - kLevel) / measured);
    return std::move(claims_);
  }

 private:
  using Place = std::pair<int, int>;  ///< cell, repeat

  void add_tokens(const SeriesOfBoth& series) {
    std::map<Place, const Run*> before;
    for (const Run* run : series.then) {
      if (run->status == RunStatus::ok) before[{run->cell, run->repeat}] = run;
    }
    Claim ids{.id = "token_ids", .of = series.label, .then = 0, .now = 0};
    Claim counts{.id = "token_counts", .of = series.label, .then = 0, .now = 0};
    const bool sampled = sampled_ids_are_fixed(series);
    int all_ids = 0;
    int same_ids = 0;
    for (const Run* run : series.now) {
      const auto found = before.find({run->cell, run->repeat});
      if (run->status != RunStatus::ok || found == before.end()) continue;
      const Run& other = *found->second;
      if (!run->ids_hash.empty() && !other.ids_hash.empty()) {
        const bool asked = sampled || run->temperature == 0;
        const bool same = run->ids_hash == other.ids_hash;
        ++all_ids;
        same_ids += same ? 1 : 0;
        if (asked) *ids.then += 1;
        if (asked && same) *ids.now += 1;
      }
      if (run->output_tokens && other.output_tokens && then_.session.plan.ignore_eos) {
        *counts.then += 1;
        if (run->output_tokens == other.output_tokens && run->prompt_tokens == other.prompt_tokens) *counts.now += 1;
      }
    }
    if (all_ids > 0) {
      ids.why = other_arithmetic(series);
      if (!ids.why.empty() || *ids.then == 0) {
        ids.held = Held::not_asked;
        if (ids.why.empty()) ids.why = "sampled answers of this engine need not be the same";
        ids.then = all_ids;
        ids.now = same_ids;
      } else {
        ids.held = *ids.then == *ids.now ? Held::yes : Held::no;
      }
      claims_.push_back(std::move(ids));
    }
    if (*counts.then > 0) {
      counts.held = *counts.then == *counts.now ? Held::yes : Held::no;
      claims_.push_back(std::move(counts));
    }
  }

  /// Runs that failed where none did before.
  void add_failures(const SeriesOfBoth& series) {
    const auto failed = [](const std::vector<const Run*>& runs) {
      std::map<int, int> cells;
      for (const Run* run : runs) cells[run->cell] += run->status == RunStatus::failed ? 1 : 0;
      return cells;
    };
    const auto before = failed(series.then);
    const auto after = failed(series.now);
    Claim claim{.id = "failed_runs", .of = series.label, .then = 0, .now = 0};
    for (const auto& [cell, count] : before) *claim.then += count;
    for (const auto& [cell, count] : after) {
      *claim.now += count;
      if (count > 0 && (!before.contains(cell) || before.at(cell) == 0)) claim.held = Held::no;
    }
    if (series.now.empty()) {
      claim.held = Held::no;
      claim.why = "it was not measured again";
    }
    claims_.push_back(std::move(claim));
  }

  void add_greedy_answers() {
    for (const Determinism& before : study_then_.determinism) {
      const auto after = std::ranges::find(study_now_.determinism, before.series, &Determinism::series);
      if (after == study_now_.determinism.end()) continue;
      claims_.push_back({.id = "same_greedy_answers",
                         .of = before.series,
                         .then = before.cells - before.cells_differing,
                         .now = after->cells - after->cells_differing,
                         .held = before.cells_differing == 0 && after->cells_differing > 0 ? Held::no : Held::yes});
    }
  }

  /// Claims that rest on measured numbers, each at this level.
  void add_measured(double level) {
    for (const SeriesOfBoth& series : series_) {
      if (same_machine_) {
        add_time(series, kFirstToken, level);
        add_time(series, kPerToken, level);
        add_time(series, kLatency, level);
      }
      add_shape(series, level);
    }
    if (!same_machine_) add_shares();
    add_temperature(level);
  }

  void add_time(const SeriesOfBoth& series, const TimeOfRun& time, double level) {
    const SessionTimes before = times_of(series.then, paces_then_, time);
    const SessionTimes after = times_of(series.now, paces_now_, time);
    if (before.values.empty() || after.values.empty()) return;
    Claim claim{.id = time.id,
                .of = series.label,
                .then = mean_of(before),
                .now = mean_of(after),
                .tolerance = std::log1p(tolerance_.value_or(kSessionTolerance))};
    if (const auto change = session_change(before, after, level)) {
      claim.change = change->change;
      claim.interval = change->interval;
    }
    judge(claim);
    claims_.push_back(std::move(claim));
  }

  /// The latency of each length over that of the longest: whatever the machine's speed is, it stays.
  void add_shape(const SeriesOfBoth& series, double level) {
    const std::vector<int>& lengths = then_.session.plan.max_tokens;
    if (lengths.size() < 2) return;
    const int longest = *std::ranges::max_element(lengths);
    const SessionTimes before = times_of(series.then, {}, kLatency);
    const SessionTimes after = times_of(series.now, {}, kLatency);
    for (const int length : lengths) {
      if (length == longest) continue;
      Claim claim{.id = "length_shape",
                  .of = fmt::format("{}, {} over {} tokens", series.label, length, longest),
                  .then = ratio_of_lengths(series.then, length, longest),
                  .now = ratio_of_lengths(series.now, length, longest),
                  .tolerance = std::log1p(same_machine_ ? tolerance_.value_or(kShapeTolerance) : kElsewhereTolerance)};
      if (!claim.then || !claim.now) continue;
      if (const auto change = ratio_change(before, after, cells_of(length), cells_of(longest), level)) {
        claim.change = change->change;
        claim.interval = change->interval;
      }
      judge(claim);
      claims_.push_back(std::move(claim));
    }
  }

  [[nodiscard]] std::set<int> cells_of(int max_tokens) const {
    std::set<int> cells;
    for (const Cell& cell : expand_cells(then_.session.plan)) {
      if (cell.max_tokens == max_tokens) cells.insert(cell.index);
    }
    return cells;
  }

  void add_shares() {
    for (const RooflinePoint& before : study_then_.roofline) {
      const auto after = std::ranges::find_if(study_now_.roofline, [&](const RooflinePoint& point) {
        return point.series == before.series && point.phase == before.phase;
      });
      if (after == study_now_.roofline.end() || !(before.share() > 0) || !(after->share() > 0)) continue;
      const double change = std::log(after->share() / before.share());
      Claim claim{.id = before.phase == RooflinePoint::Phase::prefill ? "prefill_share" : "decode_share",
                  .of = before.series,
                  .then = before.share(),
                  .now = after->share(),
                  .change = change,
                  .tolerance = std::log1p(kElsewhereTolerance)};
      claim.held = std::fabs(change) > claim.tolerance ? Held::no : Held::yes;
      claims_.push_back(std::move(claim));
    }
  }

  /// What was said of temperature must be what is said again.
  void add_temperature(double level) {
    const double z = stats::normal_quantile(1 - (1 - level) / 2) / stats::normal_quantile(1 - (1 - kLevel) / 2);
    const auto half = [](const Interval& ratio) { return std::log(ratio.high / ratio.low) / 2; };
    for (const TemperatureEffect& before : study_then_.temperature) {
      const bool said = before.verdict == Equivalence::equivalent || before.verdict == Equivalence::different;
      if (!said || !before.ratio || !before.ratio_ci95 || before.metric != "latency_s") continue;
      const auto after = std::ranges::find_if(study_now_.temperature, [&](const TemperatureEffect& effect) {
        return effect.metric == before.metric && effect.series == before.series && effect.low == before.low &&
               effect.high == before.high;
      });
      if (after == study_now_.temperature.end() || !after->ratio) continue;
      Claim claim{.id = "temperature_effect",
                  .of = fmt::format("{}temperature {} over {}", before.series.empty() ? "" : before.series + ", ", before.high,
                                    before.low),
                  .then = before.ratio,
                  .now = after->ratio,
                  .change = std::log(*after->ratio / *before.ratio),
                  .tolerance = std::log1p(before.margin)};
      if (after->ratio_ci95) {
        const double both = z * std::hypot(half(*before.ratio_ci95), half(*after->ratio_ci95));
        claim.interval = Interval{*claim.change - both, *claim.change + both};
      }
      judge(claim);
      claims_.push_back(std::move(claim));
    }
  }

  /// Why the same ids cannot be demanded; "" where they can.
  [[nodiscard]] std::string other_arithmetic(const SeriesOfBoth& series) const {
    if (series.then.empty() || series.now.empty()) return {};
    const Run& run = *series.then.front();
    const SessionModel* before = loaded_as(then_.session.models, run.engine, run.model);
    const SessionModel* after = loaded_as(now_.session.models, run.engine, run.model);
    if (before == nullptr || after == nullptr) return {};
    const auto other = [](const char* what, const std::string& a, const std::string& b) {
      return a == b ? std::string()
                    : fmt::format("{} {} then, {} now: it may round otherwise", what, a.empty() ? "unknown" : a,
                                  b.empty() ? "unknown" : b);
    };
    for (std::string why :
         {other("instruction set", before->isa, after->isa), other("accuracy", before->accuracy, after->accuracy),
          other("engine version", before->engine_version, after->engine_version)}) {
      if (!why.empty()) return why;
    }
    return {};
  }

  /// Whether a seed fixes a sampled answer: ours does, wherever it runs.
  [[nodiscard]] bool sampled_ids_are_fixed(const SeriesOfBoth& series) const {
    if (series.then.empty()) return false;
    const auto& engines = then_.session.plan.engines;
    const auto engine = std::ranges::find(engines, series.then.front()->engine, &PlanEngine::id);
    return engine != engines.end() && (engine->kind == "embedded" || (engine->kind == "process" && engine->inner == "embedded"));
  }

  const RecordedSession& then_;
  const RecordedSession& now_;
  bool same_machine_;
  std::optional<double> tolerance_;  ///< in place of the same machine's
  BlockPaces paces_then_, paces_now_;
  Study study_then_ = analyze(then_.session, then_.runs);
  Study study_now_ = analyze(now_.session, now_.runs);
  std::vector<SeriesOfBoth> series_;
  std::vector<Claim> claims_;
};

}  // namespace

const SessionModel* loaded_as(const std::vector<SessionModel>& models, const std::string& engine, const std::string& model) {
  const auto found = std::ranges::find_if(models, [&](const SessionModel& m) { return m.engine == engine && m.model == model; });
  return found == models.end() ? nullptr : &*found;
}

std::vector<Claim> claims_of(const RecordedSession& then, const RecordedSession& now, bool same_machine,
                             std::optional<double> tolerance) {
  return Claims(then, now, same_machine, tolerance).take();
}

}  // namespace ifm
