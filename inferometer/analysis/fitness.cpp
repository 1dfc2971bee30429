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

/// A bound with its uncertainty: inside when the whole interval is, outside when none of it is.
Fit judge(double estimate, const std::optional<Interval>& interval, double limit) {
  if (!interval) return estimate <= limit ? Fit::yes : Fit::no;
  if (interval->high <= limit) return Fit::yes;
  return interval->low > limit ? Fit::no : Fit::undecided;
}

Fit both(Fit a, Fit b) {
  if (a == Fit::no || b == Fit::no) return Fit::no;
  return a == Fit::yes && b == Fit::yes ? Fit::yes : Fit::undecided;
}

/// The slow end of the time to first token: p90 where 36 runs allow an interval for it, else the largest seen.
struct SlowTtft {
  Fit fit = Fit::undecided;
  std::string text;
};

SlowTtft slow_ttft(const MetricSummary& ttft, double limit) {
  if (ttft.p90 && ttft.p90_ci95)
    return {judge(*ttft.p90, ttft.p90_ci95, limit), fmt::format("time to first token p90 {} (95 % CI {})",
                                                                phrases::seconds(*ttft.p90), phrases::seconds(*ttft.p90_ci95))};
  return {*ttft.max <= limit ? Fit::yes : Fit::no, fmt::format("largest time to first token {} of {} (a p90 needs 36)",
                                                               phrases::seconds(*ttft.max), phrases::runs(ttft.n))};
}

Fit judge_rate(const MetricSummary& rate, double least) {
  if (!rate.ci95) return *rate.mean >= least ? Fit::yes : Fit::no;
  if (rate.ci95->low >= least) return Fit::yes;
  return rate.ci95->high < least ? Fit::no : Fit::undecided;
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
                     "{} tok/s on average and {} in the slowest run",
                     be(fit), chat.text, phrases::number(*decode.mean), phrases::number(*decode.min))});
  }
  fitness.push_back({group.label, "conversation", conversation.fit,
                     fmt::format("conversation without a pause (time to first token at most 0.2 s): {}; {}", be(conversation.fit),
                                 conversation.text)});
}

void add_long_form(const Group& group, const Scaling& scaling, std::vector<Fitness>& fitness) {
  std::optional<double> time = scaling.seconds_500;
  std::string source;
  if (time) {
    const bool inside = scaling.max_tokens >= 500;
    const std::string interval =
        scaling.seconds_500_ci95 ? fmt::format("95 % CI {}, ", phrases::seconds(*scaling.seconds_500_ci95)) : "";
    source =
        fmt::format("{}{} from {} to {} tokens", interval, inside ? "from the line fitted" : "extrapolated by the line fitted",
                    scaling.min_tokens, scaling.max_tokens);
  } else if (group.ttft_s.mean && group.tpot_s.mean) {
    time = *group.ttft_s.mean + 499 * *group.tpot_s.mean;
    source = "extrapolated from the mean time to first token and 499 mean times per token";
  }
  if (!time) return;
  const Fit fit = judge(*time, scaling.seconds_500_ci95, kLongForm);
  fitness.push_back({group.label, "long_form", fit,
                     fmt::format("long form (500 tokens in at most 30 s): {}; 500 tokens take {} ({})", be(fit),
                                 phrases::seconds(*time), source)});
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
  for (const auto& [flag, runs] : counts) study.flags.push_back({flag, runs});
  std::stable_sort(study.flags.begin(), study.flags.end(),
                   [](const FlagCount& a, const FlagCount& b) { return a.runs > b.runs; });
  study.overall_unflagged = make_group("unflagged runs", {}, unflagged, session_time(unflagged));
}

}  // namespace ifm
