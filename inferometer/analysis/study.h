#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/record/run.h"
#include "inferometer/record/session.h"
#include "inferometer/stats/interval.h"

namespace ifm {

/// Why an interval is not given: it would not cover what it says in 93 to 97 of 100 sessions (docs/coverage.md).
enum class NoInterval {
  none,            ///< it is given
  no_repeats,      ///< no cell has two values
  few_in_group,    ///< under 15 values for a mean, 6 for a median, 36 for a p90; under 18 at a length for a line over lengths
  few_in_session,  ///< too few in the session to tell whether neighbouring runs are alike (stats::kLeastForTime)
  drift,           ///< the session drifts: the values have no one distribution
  dependent,       ///< neighbouring runs are alike
};

/// n, location, spread and range of a metric; what too few values cannot say is null. ci95: of the mean over the time of the
/// session, from the variance within cells (so that mixing output lengths is never called noise) and about the session's trend,
/// wider where neighbouring runs are alike (stats/time_structure.h); sd: over all values given ("over the whole design").
struct MetricSummary {
  int n = 0;
  std::optional<double> mean, sd, sd_within, min, median, max;
  std::optional<Interval> ci95;
  std::optional<Interval> median_ci95;
  std::optional<double> p90;         ///< null without its interval
  std::optional<Interval> p90_ci95;  ///< order statistics, at least 95 %
  NoInterval ci95_reason = NoInterval::no_repeats;
  NoInterval median_ci95_reason = NoInterval::few_in_group;
  NoInterval p90_ci95_reason = NoInterval::few_in_group;
  std::optional<double> cv_within;  ///< sd of repeats of one cell relative to its mean: sqrt(exp(pooled var of logs) − 1)
  std::optional<Interval> cv_within_ci95;  ///< by chi-square, as if the logs were normal; null without an upper end
};

/// Runs that share one or more factor levels.
struct Group {
  std::string label;                        ///< "64", "0.3", "embedded · smollm2-135m"
  std::map<std::string, std::string> keys;  ///< factor → level, e.g. {"max_tokens","64"}
  int runs_ok = 0;
  int runs_failed = 0;
  int runs_flagged = 0;
  MetricSummary latency_s, throughput_tok_per_s, ttft_s, decode_tok_per_s, prefill_tok_per_s, load_s, tpot_s, joules_per_token;
  std::optional<double> total_tok_per_s;  ///< ΣN / ΣE2E
};

/// E2E = fixed + per_token * N for one series; null when N took one value only. HC3 intervals; null where the series' runs drift
/// or neighbours are alike, or where they are too few to tell (`no_interval`).
struct Scaling {
  std::string series;
  int n = 0;
  int lengths = 0;                     ///< distinct N
  int min_tokens = 0, max_tokens = 0;  ///< range of N
  std::optional<double> fixed_s, per_token_s, r2;
  std::optional<Interval> fixed_ci95, per_token_ci95;
  NoInterval no_interval = NoInterval::none;
  std::optional<double> lack_of_fit_p;      ///< F test of the line against a mean per length (prompts, temperatures in both)
  std::optional<double> largest_deviation;  ///< largest |mean at a length − line| / mean, over lengths
  std::optional<double> limit_tok_per_s;    ///< 1 / per_token: what output tok/s rises to
  std::optional<Interval> limit_ci95;       ///< null unless the price of a token is above 0
  std::optional<double> shortest_tok_per_s, longest_tok_per_s;  ///< output tok/s by the line at min_tokens and max_tokens
  std::optional<Interval> shortest_ci95, longest_ci95;
  std::optional<double> seconds_500;  ///< the line at 500 tokens
  std::optional<Interval> seconds_500_ci95;
};

enum class Equivalence { equivalent, different, inconclusive, not_applicable };

/// Effect of temperature on a metric, level against the lowest, matched within cells: ratio of geometric means.
struct TemperatureEffect {
  std::string metric;                    ///< "latency_s", "throughput_tok_per_s", "ttft_s", "decode_tok_per_s"
  std::string series;                    ///< empty: over all series
  double low = 0, high = 0;              ///< the two temperatures
  int pairs = 0;                         ///< runs of the same cell but for the temperature, of the same block
  std::optional<double> ratio, p_value;  ///< ratio high/low; p of the two-sided test of no difference
  std::optional<Interval> ratio_ci90, ratio_ci95;
  double margin = 0.01;
  std::optional<double> detectable;  ///< smallest relative effect that 80 % power would have shown
  Equivalence verdict = Equivalence::not_applicable;
};

/// Share of the variance of a metric's log that a factor explains (ANOVA, blocks crossed); the shares of a metric sum to 1.
struct VarianceShare {
  std::string metric;  ///< "latency_s", "throughput_tok_per_s", "ttft_s", "decode_tok_per_s"
  std::string factor;  ///< "mode", "engine", "model", "prompt", "max_tokens", "temperature", "block", "interactions", "residual"
  double share = 0;    ///< mean over all orders of entering the factors (Lindeman, Merenda, Gold)
  int degrees_of_freedom = 0;
  std::optional<double> p_value;  ///< Wald test with HC3 errors of the factor given all others; null for the last two
};

/// A metric of one series over that of another in this session: ratio of geometric means over matched runs. It describes
/// this session: each side is one process, so it is no verdict about the two.
struct SeriesEffect {
  std::string metric;
  std::string series, reference;
  int pairs = 0;
  std::optional<double> ratio;
  std::optional<Interval> ratio_ci95;
};

/// Times between token events of a series' runs, pooled: ITL where every event held one token, else between chunks (ICL).
/// Quantiles are right to 0.1 %; p90 needs 36 runs and p99 368, for gaps of one run are alike. Intervals by bootstrap over runs
/// (neighbours together once there are many), wider where neighbouring runs are alike; all null for the reason in `no_interval`.
struct TokenGaps {
  std::string series;
  bool one_token_events = true;
  int runs = 0;
  int64_t gaps = 0;
  double mean_s = 0, p50_s = 0, max_s = 0;
  std::optional<double> p90_s, p99_s;  ///< null without their intervals
  std::optional<Interval> mean_ci95, p50_ci95, p90_ci95, p99_ci95;
  NoInterval no_interval = NoInterval::none;
};

/// What decoding of a series takes from memory: the weights of a token at its mean speed (what it reads of the KV cache is not
/// counted), beside what memory gave at the session's start.
struct MemoryShare {
  std::string series;
  double gb_per_s = 0;
  double share = 0;  ///< over 1.05 one of the two was measured while the machine was slower
};

/// What a series computes while it reads a prompt or decodes, beside what this machine could do with as many multiply-adds per
/// byte: by the means of its speed and of its runs' tokens, and the limits measured at the session's start.
struct RooflinePoint {
  enum class Phase { prefill, decode };
  std::string series;
  Phase phase = Phase::prefill;
  double macs_per_byte = 0;     ///< multiply-adds for each byte of weights and cache that is read from memory
  double gmac_per_s = 0;        ///< multiply-adds of the model, 10^9 a second
  double limit_gmac_per_s = 0;  ///< the lower of the int8 peak and of what memory feeds
  [[nodiscard]] double share() const { return gmac_per_s / limit_gmac_per_s; }
};

enum class Fit { yes, no, undecided };

/// Whether a series is good enough for a use (METHOD's thresholds).
struct Fitness {
  std::string series;
  std::string use;  ///< "interactive_chat", "conversation", "long_form"
  Fit verdict = Fit::undecided;
  std::string text;
};

/// Greedy runs (temperature 0) of one cell must give the same ids.
struct Determinism {
  std::string series;
  int runs = 0;
  int cells = 0;            ///< cells with two greedy runs or more
  int cells_differing = 0;  ///< of these, with more than one hash of ids
};

/// Runs that carry a flag.
struct FlagCount {
  std::string flag;
  int runs = 0;
};

/// A sentence that the numbers support, with the id of the rule that wrote it.
struct Conclusion {
  std::string id;
  std::string text;
};

/// Everything that is known about a session; what tables, figures and summary print.
struct Study {
  Session session;
  /// Measured runs, ok and failed, in execution order; of more than kManyRuns evenly spaced ones, for figures.
  std::vector<Run> runs;
  bool runs_are_sample = false;         ///< `runs` are not all
  std::map<std::string, int> failures;  ///< failed runs by kind of error
  int runs_other_length = 0;            ///< timed ones that have not the asked number of tokens though EOS was to be ignored
  int runs_cached = 0;                  ///< timed ones that took part of the prompt from a cache
  int runs_ok = 0;
  int runs_failed = 0;
  int runs_warmup = 0;
  int runs_invalid = 0;  ///< of the ok ones, left out of the timings: "clock_disagreement", "suspended" (METHOD 11)
  Group overall;
  std::optional<MetricSummary> unflagged_latency_s;  ///< overall's without flagged runs; null when none is flagged
  std::vector<FlagCount> flags;
  std::vector<Group> by_model;  ///< series: mode × engine × model
  std::vector<Group> by_max_tokens, by_temperature, by_prompt, by_engine, by_mode;
  std::vector<Group> by_series_max_tokens, by_series_temperature;  ///< series × level; label: the series'
  std::vector<Group> cells;
  std::vector<Scaling> scaling;  ///< by series
  std::vector<TemperatureEffect> temperature;
  std::vector<VarianceShare> variance;       ///< by metric; falling shares, "residual" last
  std::vector<SeriesEffect> series_effects;  ///< each further series over the first; empty with one
  std::vector<TokenGaps> token_gaps;         ///< by series; of more than kManyRuns runs empty: TokenGapCollector
  std::vector<MemoryShare> memory_shares;    ///< of series whose engine computes here, with threads of its own
  std::vector<RooflinePoint> roofline;       ///< by series, of models whose work is known
  std::vector<Fitness> fitness;
  std::vector<Determinism> determinism;          ///< empty without greedy runs
  std::optional<double> drift_percent_per_hour;  ///< 100 × d ln(latency) / dt within cells: a rate, not an extrapolation
  std::optional<Interval> drift_ci95;
  std::optional<double> drift_percent_session;  ///< what that makes over the session's length
  std::optional<Interval> drift_session_ci95;
  std::optional<double> session_hours;
  std::optional<double> smallest_gap_s;        ///< the shortest time between two token events of a timed run
  std::optional<double> lag1_autocorrelation;  ///< of log latency around its cell's mean, in execution order
  std::optional<double> effective_runs;        ///< as many independent runs would say as much of the mean
  std::optional<int> outliers;                 ///< runs far from their cell's mean log latency (3.5 robust sd); they count
  std::vector<int64_t> outlier_runs;           ///< their ids; empty where the runs are a sample
  std::vector<Conclusion> conclusions;         ///< scaling, temperature, variability, fitness: in the order to be printed
  std::vector<Conclusion> warnings;            ///< what makes the numbers unreliable on this machine
};

/// "" for none, else what a reader is told: "under 30 runs in the session".
[[nodiscard]] const char* to_string(NoInterval reason);
[[nodiscard]] const char* to_string(Equivalence verdict);
[[nodiscard]] const char* to_string(Fit verdict);
[[nodiscard]] const char* to_string(RooflinePoint::Phase phase);
/// "embedded · smollm2-135m", with " · cold" or " · warm" when `several_modes`.
[[nodiscard]] std::string series_label(const Run& run, bool several_modes);
/// Whether a run's times count: measured, ok and not invalid.
[[nodiscard]] bool is_timed(const Run& run);

/// Above so many measured runs a study keeps a sample of them and is computed from moments and sorted values (many_runs.h).
inline constexpr int kManyRuns = 2000;

class RunTable;

/// Makes a study of a session's runs as they come, so that a million need not stand in memory at once.
class StudyBuilder {
 public:
  explicit StudyBuilder(Session session);
  StudyBuilder(StudyBuilder&&) noexcept;
  ~StudyBuilder();
  /// Takes the next run, warm-up ones too, in execution order; of many measured ones the tokens are not needed.
  void add(const Run& run);
  void add(Run&& run);
  /// Takes all runs of a builder for the same session that come after.
  void append(StudyBuilder&& later);
  /// The study; the builder must not be used afterwards.
  [[nodiscard]] Study finish();

 private:
  bool count(const Run& run);
  void keep(Run&& run);
  void thin();
  void see_gap(std::optional<int64_t> gap_ns);

  Study study_;
  std::optional<int64_t> smallest_gap_ns_;
  std::unique_ptr<RunTable> table_;
  int64_t seen_ = 0;    ///< measured runs
  int64_t stride_ = 1;  ///< of these every so many are kept
};

/// Pure: no clock, no files. The runs' metrics are taken as stored.
[[nodiscard]] Study analyze(const Session& session, const std::vector<Run>& runs);

}  // namespace ifm
