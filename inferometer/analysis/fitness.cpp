#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/phrases.h"

namespace ifm {
namespace {

// METHOD, "Fit for use".
constexpr double kChatTtft = 1.0;
constexpr double kChatDecode = 10.0;  ///< tokens per second: twice silent reading
constexpr double kConversationTtft = 0.2;
constexpr double kLongForm = 30.0;  ///< seconds for 500 tokens

const char* be(Fit fit) { return fit == Fit::yes ? "fit" : fit == Fit::no ? "not fit" : "undecided"; }

/// A bound with its uncertainty: inside when the whole interval is, outside when none of it is; without one nothing is decided.
Fit judge(const std::optional<Interval>& interval, double limit) {
  if (!interval) return Fit::undecided;
  if (interval->high <= limit) return Fit::yes;
  return interval->low > limit ? Fit::no : Fit::undecided;
}

Fit both(Fit a, Fit b) {
  if (a == Fit::no || b == Fit::no) return Fit::no;
  return a == Fit::yes && b == Fit::yes ? Fit::yes : Fit::undecided;
}

std::string missing(NoInterval reason) { return fmt::format("no interval: {}", to_string(reason)); }

/// The slow end of the time to first token: p90 where there is an interval for it, else the largest seen.
struct SlowTtft {
  Fit fit = Fit::undecided;
  std::string text;
};

SlowTtft slow_ttft(const MetricSummary& ttft, double limit) {
  if (ttft.p90 && ttft.p90_ci95)
    return {judge(ttft.p90_ci95, limit), fmt::format("time to first token p90 {} (95 % CI {})", phrases::seconds(*ttft.p90),
                                                     phrases::seconds(*ttft.p90_ci95))};
  const bool few = ttft.p90_ci95_reason == NoInterval::few_in_group;
  // The largest of many is above their p90: only when all are above the limit is that one above it, too.
  const bool over = few ? *ttft.max > limit : *ttft.min > limit;
  return {*ttft.max <= limit ? Fit::yes
          : over             ? Fit::no
                             : Fit::undecided,
          fmt::format("largest time to first token {} of {} ({})", phrases::seconds(*ttft.max), phrases::runs(ttft.n),
                      few ? "a p90 needs 36" : fmt::format("no p90: {}", to_string(ttft.p90_ci95_reason)))};
}

/// By the interval of the mean, else by what every run reached.
Fit judge_rate(const MetricSummary& rate, double least) {
  const Interval ends = rate.ci95.value_or(Interval{*rate.min, *rate.max});
  if (ends.low >= least) return Fit::yes;
  return ends.high < least ? Fit::no : Fit::undecided;
}

void add_chat(const Group& group, std::vector<Fitness>& fitness) {
  const MetricSummary& ttft = group.ttft_s;
  if (ttft.n == 0) return;
  const SlowTtft conversation = slow_ttft(ttft, kConversationTtft);
  const SlowTtft chat = slow_ttft(ttft, kChatTtft);
  const MetricSummary& decode = group.decode_tok_per_s;
  if (decode.n > 0) {
    const Fit fit = both(chat.fit, judge_rate(decode, kChatDecode));
    fitness.push_back(
        {group.label, "interactive_chat", fit,
         fmt::format("interactive chat (time to first token p90 at most 1 s, decode at least 10 tok/s): {}; {}, decode "
                     "{} tok/s on average{} and {} in the slowest run",
                     be(fit), chat.text, phrases::number(*decode.mean),
                     decode.ci95 ? fmt::format(" (95 % CI {})", phrases::interval(*decode.ci95)) : "",
                     phrases::number(*decode.min))});
  }
  fitness.push_back({group.label, "conversation", conversation.fit,
                     fmt::format("conversation without a pause (time to first token at most 0.2 s): {}; {}", be(conversation.fit),
                                 conversation.text)});
}

/// 500 tokens without a line: one time to first token and 499 times per token. Two 95 % intervals added up cover at least 90 %.
struct Extrapolation {
  double seconds = 0;
  std::optional<Interval> ci90;
};

std::optional<Extrapolation> extrapolated(const Group& group) {
  constexpr double kRest = 499;
  const MetricSummary& ttft = group.ttft_s;
  const MetricSummary& tpot = group.tpot_s;
  if (!ttft.mean || !tpot.mean) return std::nullopt;
  Extrapolation result{.seconds = *ttft.mean + kRest * *tpot.mean, .ci90 = std::nullopt};
  if (ttft.ci95 && tpot.ci95)
    result.ci90 = Interval{ttft.ci95->low + kRest * tpot.ci95->low, ttft.ci95->high + kRest * tpot.ci95->high};
  return result;
}

void add_long_form(const Group& group, const Scaling& scaling, std::vector<Fitness>& fitness) {
  const auto add = [&](Fit fit, double seconds, const std::string& source) {
    fitness.push_back({group.label, "long_form", fit,
                       fmt::format("long form (500 tokens in at most 30 s): {}; 500 tokens take {} ({})", be(fit),
                                   phrases::seconds(seconds), source)});
  };
  if (scaling.seconds_500) {
    const bool inside = scaling.max_tokens >= 500;
    const std::string interval =
        scaling.seconds_500_ci95 ? "95 % CI " + phrases::seconds(*scaling.seconds_500_ci95) : missing(scaling.no_interval);
    add(judge(scaling.seconds_500_ci95, kLongForm), *scaling.seconds_500,
        fmt::format("{}, {} from {} to {} tokens", interval, inside ? "from the line fitted" : "extrapolated by the line fitted",
                    scaling.min_tokens, scaling.max_tokens));
  } else if (const std::optional<Extrapolation> guess = extrapolated(group)) {
    const NoInterval reason = group.ttft_s.ci95 ? group.tpot_s.ci95_reason : group.ttft_s.ci95_reason;
    add(judge(guess->ci90, kLongForm), guess->seconds,
        fmt::format("{}, extrapolated from the mean time to first token and 499 mean times per token",
                    guess->ci90 ? "at least 90 % CI " + phrases::seconds(*guess->ci90) : missing(reason)));
  }
}

}  // namespace

void fill_fitness(Study& study) {
  for (size_t i = 0; i < study.by_model.size(); ++i) {
    add_chat(study.by_model[i], study.fitness);
    add_long_form(study.by_model[i], study.scaling[i], study.fitness);
  }
}

void fill_determinism(Study& study) {
  for (const Series& series : series_of(study)) {
    std::map<int, std::vector<std::string>> cells;
    for (const Run* run : series.runs) {
      if (run->status != RunStatus::ok || run->temperature != 0 || run->ids_hash.empty()) continue;
      cells[run->cell].push_back(run->ids_hash);
    }
    Determinism result{.series = series.label};
    for (const auto& [cell, hashes] : cells) {
      if (hashes.size() < 2) continue;
      ++result.cells;
      result.runs += static_cast<int>(hashes.size());
      if (std::set<std::string>(hashes.begin(), hashes.end()).size() > 1) ++result.cells_differing;
    }
    if (result.cells > 0) study.determinism.push_back(std::move(result));
  }
}

void set_flags(Study& study, const std::map<std::string, int>& runs_by_flag) {
  for (const auto& [flag, runs] : runs_by_flag) study.flags.push_back({flag, runs});
  std::stable_sort(study.flags.begin(), study.flags.end(),
                   [](const FlagCount& a, const FlagCount& b) { return a.runs > b.runs; });
}

void fill_flags(Study& study) {
  std::map<std::string, int> counts;
  std::vector<const Run*> unflagged;
  for (const Run& run : study.runs) {
    if (run.flags.empty()) {
      unflagged.push_back(&run);
      continue;
    }
    for (const std::string& flag : std::set<std::string>(run.flags.begin(), run.flags.end())) ++counts[flag];
  }
  if (counts.empty()) return;
  set_flags(study, counts);
  const std::vector<const Run*> good = timed(unflagged);
  study.unflagged_latency_s = summarize(good, latency_of, time_of(good, latency_of));
}

}  // namespace ifm
