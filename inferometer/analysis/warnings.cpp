#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "inferometer/analysis/phrases.h"
#include "inferometer/analysis/sentences.h"
#include "inferometer/record/imported.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/paired.h"
#include "inferometer/stats/time_structure.h"

namespace ifm {
namespace {

using namespace phrases;

constexpr double kBusyLoadPerCore = 0.25;  ///< one-minute load average per logical core
constexpr double kStealPercent = 2;        ///< METHOD 10
constexpr double kOverheadShare = 0.01;    ///< of the time per token
constexpr double kDriftPercent = 1;        ///< over the session
constexpr double kTimerNs = 1000;
constexpr int kFewRepeats = 5;
constexpr double kAlpha = 0.05;
constexpr double kUnsettled = 0.02;  ///< log ratio of first runs to later ones
constexpr size_t kFewCells = 4;

void warn(Study& study, const std::string& id, std::string text) { study.warnings.push_back({id, std::move(text)}); }

void warn_failures(Study& study) {
  const int all = study.runs_ok + study.runs_failed;
  if (study.runs_failed > 0) {
    std::string list;
    for (const auto& [kind, n] : study.failures) list += fmt::format("{}{} {}", list.empty() ? "" : ", ", kind, n);
    warn(study, "failed_runs",
         fmt::format("{} of {} runs failed ({}); they are not in the timings.", study.runs_failed, all, list));
  }
  if (study.runs_invalid > 0)
    warn(study, "invalid_runs",
         fmt::format("{} of {} runs are invalid (clocks that disagree, or the machine slept) and not in the timings.",
                     study.runs_invalid, all));
  const size_t planned =
      expand_cells(study.session.plan).size() * static_cast<size_t>(std::max(0, runs_of_cell(study.session.plan)));
  const bool stopped_as_planned = study.session.plan.stop && !study.session.finished_utc.empty();
  if (static_cast<size_t>(all) < planned && !stopped_as_planned && !is_imported(study.session))
    warn(study, "unfinished", fmt::format("The session is not complete: {} of {} planned runs.", all, planned));
}

std::string flag_meaning(const std::string& flag) {
  static const std::map<std::string, std::string> meanings{
      {"canary", "the block's fixed test kernels were more than 5 % off the session's median"},
      {"steal", "more than 2 % of the CPU time was stolen while it ran"},
      {"clock_disagreement", "the engine's clock and ours differ by more than 1 ms"},
      {"engines_awake", "engines that waited used more than a tenth of a core, which the engine being measured lacked"},
      {"suspended", "the machine slept while it ran"},
      {"count_disputed", "token counts disagree, so it has no tok/s"},
      {"eos_not_ignored", "the server ended at an EOS that it was to ignore, so its latency is not compared"},
      {"double_bos", "its prompt began with two BOS tokens, of which one was left out"},
      {"no_end_marker", "the server's stream ended without saying that it did"},
      {"prompt_cached", "part of its prompt came from a cache"}};
  const auto found = meanings.find(flag);
  return found == meanings.end() ? "" : fmt::format(": {}", found->second);
}

/// "952 ms (95 % CI 918 to 986 ms)".
std::string mean_text(const MetricSummary& latency) {
  const std::string ci95 =
      latency.ci95 ? "95 % CI " + seconds(*latency.ci95) : fmt::format("no interval: {}", to_string(latency.ci95_reason));
  return fmt::format("{} ({})", seconds(*latency.mean), ci95);
}

void warn_flags(Study& study) {
  for (const FlagCount& count_of_flag : study.flags)
    warn(study, "flag_" + count_of_flag.flag,
         fmt::format("{} of {} runs {} the flag \"{}\"{}.", count_of_flag.runs, study.runs_ok + study.runs_failed,
                     count_of_flag.runs == 1 ? "carries" : "carry", count_of_flag.flag, flag_meaning(count_of_flag.flag)));
  if (study.unflagged_latency_s && study.overall.latency_s.mean) {
    const MetricSummary& rest = *study.unflagged_latency_s;
    warn(study, "without_flags",
         rest.mean ? fmt::format("Mean latency with flagged runs {}, without them {} ({}).", mean_text(study.overall.latency_s),
                                 mean_text(rest), runs(rest.n))
                   : std::string("Every timed run is flagged: there is nothing to show without them."));
  }
}

/// Runs that follow a warm-up must be like later ones of their cell: the settling check. First repeats against the others, by the
/// mean of cells' log ratios.
void warn_unsettled(Study& study) {
  std::map<int, std::pair<std::vector<double>, std::vector<double>>> cells;  // first block, later ones
  for (const Run& run : study.runs) {
    if (!is_timed(run) || run.mode != Mode::warm || !run.metrics.e2e_s || !(*run.metrics.e2e_s > 0)) continue;
    auto& [first, later] = cells[run.cell];
    (run.block == 0 ? first : later).push_back(std::log(*run.metrics.e2e_s));
  }
  std::vector<double> ratios;
  for (const auto& [cell, values] : cells) {
    if (values.first.empty() || values.second.empty()) continue;
    ratios.push_back(*stats::mean(values.first) - *stats::mean(values.second));
  }
  const auto test = stats::paired_t_test(ratios);
  if (ratios.size() < kFewCells || !test || test->mean < kUnsettled || test->p >= kAlpha) return;
  warn(study, "unsettled",
       fmt::format("The first runs of {} cells were {} slower than later ones ({}): the machine had not settled, so warm up "
                   "longer (warmup: in the plan).",
                   ratios.size(), percent(std::expm1(test->mean)), p_value(test->p)));
}

/// A side that draws more flags than another may throttle the machine (METHOD 10).
void warn_uneven_flags(Study& study) {
  std::vector<std::pair<int, int>> sides;  // flagged, all
  const std::vector<Group>& all = study.by_model;
  for (const Group& series : all) sides.emplace_back(series.runs_flagged, series.runs_ok + series.runs_failed);
  for (size_t i = 1; i < sides.size(); ++i) {
    const double p = stats::fisher_exact_p(sides[0].first, sides[0].second, sides[i].first, sides[i].second);
    if (p >= kAlpha) continue;
    warn(study, "uneven_flags",
         fmt::format("{} drew {} flags in {} runs, {} drew {} in {} ({}): one side may disturb the machine.", all[0].label,
                     sides[0].first, sides[0].second, all[i].label, sides[i].first, sides[i].second, p_value(p)));
  }
}

void warn_machine(Study& study) {
  const Environment& e = study.session.environment;
  if (e.host_class.find("virtual") != std::string::npos || e.host_class.find("container") != std::string::npos)
    warn(study, "virtual_machine",
         fmt::format("This is a {}: neighbours and the hypervisor can change the speed.", e.host_class));
  if (e.governor.empty())
    warn(study, "governor", "The frequency governor is not known: the clock speed may have changed between runs.");
  else if (e.governor != "performance")
    warn(study, "governor",
         fmt::format("The frequency governor is \"{}\", not \"performance\": the clock speed may have changed.", e.governor));
  if (e.load_1m && *e.load_1m > kBusyLoadPerCore * std::max(1, e.logical_cores.value_or(1)))
    warn(study, "load",
         fmt::format("Other work was running at the start: load average {:.2f} on {} logical cores.", *e.load_1m,
                     e.logical_cores ? fmt::format("{}", *e.logical_cores) : "an unknown number of"));
  if (e.steal_percent && *e.steal_percent > kStealPercent)
    warn(study, "steal", fmt::format("{:.1f} % of the CPU time was stolen by other guests.", *e.steal_percent));
  if (e.cpu_quota_cores && e.logical_cores && *e.cpu_quota_cores < *e.logical_cores)
    warn(study, "cpu_quota",
         fmt::format("A quota allows {:.2f} of {} logical cores: threads may be stopped.", *e.cpu_quota_cores, *e.logical_cores));
  if (e.power_source.find("battery") != std::string::npos)
    warn(study, "power_source", "The machine ran on battery: it may have saved power at the cost of speed.");
  if (e.timer_resolution_ns && *e.timer_resolution_ns > kTimerNs)
    warn(study, "timer", fmt::format("The clock steps by {}.", seconds(*e.timer_resolution_ns * 1e-9)));
}

void warn_overhead(Study& study) {
  const std::optional<double>& overhead_ns = study.session.environment.harness_overhead_ns_per_token;
  if (!overhead_ns || !study.overall.tpot_s.median || !(*study.overall.tpot_s.median > 0)) return;
  const double share = *overhead_ns * 1e-9 / *study.overall.tpot_s.median;
  if (share > kOverheadShare)
    warn(study, "overhead",
         fmt::format("The harness itself costs {} per token, {} of the time per token: more than it should.",
                     seconds(*overhead_ns * 1e-9), percent(share)));
}

void warn_design(Study& study) {
  int least = 0;
  for (const Group& cell : study.cells) least = least == 0 ? cell.latency_s.n : std::min(least, cell.latency_s.n);
  if (least < kFewRepeats && study.overall.latency_s.n > 0)
    warn(study, "few_repeats", fmt::format("A cell has only {}: what is said of single cells is uncertain.", runs(least)));
  const NoInterval reason = study.overall.latency_s.ci95_reason;
  if (study.overall.latency_s.n > 0 && reason == NoInterval::no_repeats)
    warn(study, "no_repeats", "No cell was repeated, so there are no intervals for means.");
  if (study.overall.latency_s.n > 0 && reason == NoInterval::few_in_session)
    warn(study, "no_intervals",
         fmt::format("Under {} runs nobody can tell whether neighbouring runs are alike, so there are no intervals for means "
                     "and medians.",
                     stats::kLeastForTime));
  if (study.runs_other_length > 0)
    warn(study, "lengths", fmt::format("{} did not have exactly the asked number of tokens.", runs(study.runs_other_length)));
  if (study.runs_cached > 0)
    warn(study, "cached", fmt::format("{} took part of the prompt from a cache.", runs(study.runs_cached)));
}

void warn_time(Study& study) {
  if (study.drift_ci95 && (study.drift_ci95->low > 0 || study.drift_ci95->high < 0) &&
      std::abs(*study.drift_percent_session) > kDriftPercent)
    warn(
        study, "drift",
        fmt::format("Latency drifted by {:+.1f} % over the session (95 % CI {:+.1f} to {:+.1f} %), a rate of {:+.1f} % per hour.",
                    *study.drift_percent_session, study.drift_session_ci95->low, study.drift_session_ci95->high,
                    *study.drift_percent_per_hour));
  const int n = study.overall.latency_s.n;
  if (study.lag1_autocorrelation && *study.lag1_autocorrelation > 2 / std::sqrt(static_cast<double>(n)))
    warn(study, "autocorrelation",
         fmt::format(
             "Neighbouring runs are alike (lag-1 correlation {:.2f}, above 2/√{}), so that these say as much of their mean as "
             "{:.0f} independent ones: intervals of means and medians are wider for it, those of p90 and of the line over "
             "lengths are left out.",
             *study.lag1_autocorrelation, n, study.effective_runs.value_or(n)));
}

void warn_outliers(Study& study) {
  const int marked = study.outliers.value_or(0);
  if (marked == 0) return;
  constexpr size_t kNamed = 5;
  std::string names;
  for (size_t i = 0; i < study.outlier_runs.size() && i < kNamed; ++i)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", study.outlier_runs[i]);
  if (study.outlier_runs.size() > kNamed) names += ", …";
  warn(study, "outliers",
       fmt::format("{}{} {} further than 3.5 robust standard deviations from the mean of the cell; {} in every number above.",
                   runs(marked), names.empty() ? "" : fmt::format(" (run {})", names), marked == 1 ? "is" : "are",
                   marked == 1 ? "it is" : "they are"));
}

/// Whoever measured, what is missing or doubtful stands with the runs (record/imported.h).
void warn_imported(Study& study) {
  if (!is_imported(study.session)) return;
  warn(study, "imported", "These runs were measured by another program: their times and counts are as it wrote them.");
  for (std::string text : study.session.environment.unavailable) {
    if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    warn(study, "imported", text + ".");
  }
}

}  // namespace

void write_warnings(Study& study) {
  warn_imported(study);
  warn_failures(study);
  warn_flags(study);
  warn_uneven_flags(study);
  warn_machine(study);
  warn_overhead(study);
  warn_design(study);
  warn_unsettled(study);
  warn_time(study);
  warn_outliers(study);
}

}  // namespace ifm
