#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "inferometer/analysis/phrases.h"
#include "inferometer/analysis/sentences.h"

namespace ifm {
namespace {

using namespace phrases;

constexpr double kStraight = 0.02;     ///< a line counts as a good description within this share of every mean
constexpr double kNegligible = 0.001;  ///< a share of the variance that is only named
constexpr double kAlpha = 0.05;

void say(Study& study, const char* id, std::string text) { study.conclusions.push_back({id, std::move(text)}); }

/// A sentence about a series: named first when there are several, else with a capital letter.
std::string about(const Study& study, const std::string& series, const std::string& text) {
  const std::string who = prefix(study, series);
  return who.empty() ? capital(text) : who + text;
}

std::string straightness(const Scaling& s) {
  if (s.lengths < 3) return fmt::format("With {} lengths a straight line cannot be checked.", count(s.lengths));
  if (!s.largest_deviation) return "";
  const std::string off = fmt::format("no mean at a length is further than {} from it", percent(*s.largest_deviation));
  const std::string test = s.lack_of_fit_p ? fmt::format(" (lack of fit {})", p_value(*s.lack_of_fit_p)) : "";
  const bool detected = s.lack_of_fit_p && *s.lack_of_fit_p < kAlpha;
  if (*s.largest_deviation > kStraight)
    return fmt::format("A straight line is {} description: a mean at a length is {} away from it{}.",
                       detected ? "not a good" : "only a rough", percent(*s.largest_deviation), test);
  if (detected) return fmt::format("A straight line describes it within 2 %: {}, though the curve can be seen{}.", off, test);
  return fmt::format("A straight line fits: {}{}.", off, test);
}

void conclude_scaling(Study& study, const Scaling& s) {
  if (!s.fixed_s) {
    if (s.n > 0)
      say(study, "scaling",
          about(study, s.series, "fixed overhead and cost per token cannot be told apart: the output length did not vary."));
    return;
  }
  say(study, "scaling",
      about(study, s.series,
            fmt::format("{}, latency is {} fixed{} plus {} per output token{}, over {} to {} tokens, R² {:.4f}. {}", scope(study),
                        seconds(*s.fixed_s), s.fixed_ci95 ? fmt::format(" (95 % CI {})", seconds(*s.fixed_ci95)) : "",
                        seconds(*s.per_token_s),
                        s.per_token_ci95 ? fmt::format(" ({})", seconds(*s.per_token_ci95))
                                         : fmt::format(" (no intervals: {})", to_string(s.no_interval)),
                        s.min_tokens, s.max_tokens, *s.r2, straightness(s))));
}

/// "156 (95 % CI 145 to 167)".
std::string with_interval(double x, const Interval& ci95) { return fmt::format("{} (95 % CI {})", number(x), interval(ci95)); }

void conclude_throughput(Study& study, const Scaling& s) {
  if (!s.fixed_s || !s.limit_tok_per_s || !s.fixed_ci95) return;
  if (s.fixed_ci95->low <= 0 && s.fixed_ci95->high >= 0) {
    say(study, "throughput",
        about(study, s.series, "the fixed part cannot be told from zero, so output tok/s need not depend on the length."));
    return;
  }
  const bool explained = s.largest_deviation && *s.largest_deviation <= kStraight;
  if (s.fixed_ci95->high < 0 || !s.shortest_ci95 || !s.longest_ci95 || !s.limit_ci95) return;
  say(study, "throughput",
      about(study, s.series,
            fmt::format(
                "output tok/s rises with the length, by the line from {} at {} tokens to {} at {}, {} the fixed part is spread "
                "over more tokens; it cannot pass 1 / cost per token = {} tok/s.{}",
                with_interval(*s.shortest_tok_per_s, *s.shortest_ci95), s.min_tokens,
                with_interval(*s.longest_tok_per_s, *s.longest_ci95), s.max_tokens,
                explained ? "because" : "at least in part because", with_interval(*s.limit_tok_per_s, *s.limit_ci95),
                explained ? " The engine does not get faster." : "")));
}

std::string detectable_text(const TemperatureEffect& e) {
  if (!e.detectable) return "";
  return fmt::format("; {} pairs would have shown {} with 80 % power", e.pairs, percent(*e.detectable));
}

/// What the 95 % interval leaves open: "for these three prompts no effect larger than 1.3 % (95 %)".
std::string bound_text(const Study& study, const TemperatureEffect& e) {
  const double bound = std::max(std::abs(e.ratio_ci95->low - 1), std::abs(e.ratio_ci95->high - 1));
  return fmt::format("{} no effect larger than {} (95 %)", scope(study), percent(bound));
}

std::string temperature_text(const Study& study, const TemperatureEffect& e) {
  const std::string head =
      fmt::format("{} at temperature {} against {}", metric(e.metric), fmt::format("{}", e.high), fmt::format("{}", e.low));
  switch (e.verdict) {
    case Equivalence::equivalent:
      return fmt::format("{}: {}: {} (95 % CI {}), equivalent within ±{} (90 % CI {}){}.", head, bound_text(study, e),
                         change(*e.ratio), change(*e.ratio_ci95), percent(e.margin), change(*e.ratio_ci90), detectable_text(e));
    case Equivalence::different:
      return fmt::format("{}: different {}: {} (95 % CI {}, {}){}.", head, scope(study), change(*e.ratio), change(*e.ratio_ci95),
                         p_value(*e.p_value), detectable_text(e));
    case Equivalence::inconclusive:
      return fmt::format("{}: inconclusive: {} (95 % CI {}), neither equivalent within ±{} nor different; {}{}.", head,
                         change(*e.ratio), change(*e.ratio_ci95), percent(e.margin), bound_text(study, e), detectable_text(e));
    case Equivalence::not_applicable:
      break;
  }
  if (e.pairs < 2) return fmt::format("{}: not tested: {} matched pairs of runs, two are needed.", head, count(e.pairs));
  return fmt::format("{}: not compared: the runs do not have the same length.", head);
}

void conclude_temperature(Study& study) {
  for (const TemperatureEffect& effect : study.temperature) {
    const bool told = effect.series.empty() ? effect.metric != "ttft_s" : effect.metric == "latency_s";
    if (told) say(study, "temperature", about(study, effect.series, temperature_text(study, effect)));
  }
}

void conclude_variability(Study& study) {
  std::vector<VarianceShare> shares;
  std::copy_if(study.variance.begin(), study.variance.end(), std::back_inserter(shares),
               [](const VarianceShare& share) { return share.metric == "latency_s"; });
  if (shares.empty()) return;
  std::stable_sort(shares.begin(), shares.end(),
                   [](const VarianceShare& a, const VarianceShare& b) { return a.share > b.share; });
  std::string list;
  std::string small;
  for (const VarianceShare& share : shares) {
    if (share.share < kNegligible) {
      small += (small.empty() ? "" : ", ") + factor(share.factor);
    } else {
      list += fmt::format("{}{} {}{}", list.empty() ? "" : ", ", factor(share.factor),
                          share.share > 0.9995 ? "over 99.9 %" : percent(share.share),
                          share.p_value ? fmt::format(" ({})", p_value(*share.p_value)) : "");
    }
  }
  if (!small.empty()) list += fmt::format("; under {} each: {}", percent(kNegligible), small);
  std::string text =
      fmt::format("Where the spread of latency comes from (shares of the variance of its log, {}): {}.", scope(study), list);
  const VarianceShare& first = shares.front();
  const bool shown = first.p_value && *first.p_value < kAlpha;
  if (study.overall.latency_s.sd && shown && first.share > 0.5)
    text += fmt::format(" So the sd over the whole design, {}, is mostly the {}, not noise.",
                        seconds(*study.overall.latency_s.sd), factor(first.factor));
  say(study, "variability", text);
}

void conclude_repeatability(Study& study) {
  for (const Group& group : study.by_model) {
    if (!group.latency_s.cv_within_ci95 || !group.latency_s.sd_within) continue;
    say(study, "repeatability",
        about(
            study, group.label,
            fmt::format("repeats of the same cell differ by {} in latency (coefficient of variation, 95 % CI {}; sd within cells "
                        "{}){}.",
                        percent(*group.latency_s.cv_within), percent(*group.latency_s.cv_within_ci95),
                        seconds(*group.latency_s.sd_within),
                        group.decode_tok_per_s.cv_within_ci95
                            ? fmt::format(" and by {} in decode speed (95 % CI {})", percent(*group.decode_tok_per_s.cv_within),
                                          percent(*group.decode_tok_per_s.cv_within_ci95))
                            : "")));
  }
}

void conclude_series(Study& study) {
  for (const SeriesEffect& e : study.series_effects) {
    if (e.metric == "ttft_s" || !e.ratio) continue;
    say(study, "series",
        fmt::format(
            "{} over {}: {} {} (95 % CI {}; {} matched pairs). This describes this session; each side is one process, so it is "
            "no verdict.",
            e.series, e.reference, metric(e.metric), change(*e.ratio), change(*e.ratio_ci95), e.pairs));
  }
}

void conclude_determinism(Study& study) {
  for (const Determinism& d : study.determinism) {
    say(study, "overall_determinism",
        about(study, d.series,
              d.cells_differing == 0
                  ? fmt::format("greedy repeats gave the same token ids in every cell ({}, {} cells).", runs(d.runs), d.cells)
                  : fmt::format("greedy repeats gave different token ids in {} of {} cells: the engine is not deterministic.",
                                d.cells_differing, d.cells)));
  }
}

/// METHOD 12: what the harness itself costs stands beside the results.
void conclude_overhead(Study& study) {
  const std::optional<double>& overhead_ns = study.session.environment.harness_overhead_ns_per_token;
  const std::optional<double>& gap_s = study.smallest_gap_s;
  if (!overhead_ns || !gap_s || !(*gap_s > 0)) return;
  say(study, "overall_overhead",
      fmt::format("The harness adds {} per token, {} of the smallest gap between tokens here ({}).", seconds(*overhead_ns * 1e-9),
                  percent(*overhead_ns * 1e-9 / *gap_s), seconds(*gap_s)));
}

/// METHOD: a speed carries the share of the machine's limit that it reaches.
void conclude_memory(Study& study) {
  constexpr double kImpossible = 1.05;
  const std::optional<double>& limit = study.session.environment.read_gb_per_s;
  for (const MemoryShare& memory : study.memory_shares) {
    say(study, "overall_memory",
        about(study, memory.series,
              fmt::format(
                  "decoding takes weights from memory at {} GB/s, {:.2f} of the {} GB/s that it gave at the session's start.{}",
                  number(memory.gb_per_s), memory.share, number(*limit),
                  memory.share > kImpossible ? " That cannot be: the machine was slower then." : "")));
  }
}

/// The same for prompts, which memory or arithmetic may limit.
void conclude_roofline(Study& study) {
  for (const RooflinePoint& point : study.roofline) {
    if (point.phase != RooflinePoint::Phase::prefill) continue;
    say(study, "overall_roofline",
        about(study, point.series,
              fmt::format("reading a prompt does {} GMAC/s, {:.2f} of the {} GMAC/s that this machine allowed for its {} "
                          "multiply-adds per byte of weights at the session's start.",
                          number(point.gmac_per_s), point.share(), number(point.limit_gmac_per_s), number(point.macs_per_byte))));
  }
}

void conclude_energy(Study& study) {
  const std::optional<double>& joules = study.overall.joules_per_token.mean;
  if (!joules) return;
  const std::optional<double>& idle_w = study.session.environment.idle_power_w;
  say(study, "overall_energy",
      fmt::format("The processor's packages used {} J per token, everything that ran on them included; at rest they draw {}.",
                  number(*joules), idle_w ? number(*idle_w) + " W" : "an unknown power"));
}

}  // namespace

void write_conclusions(Study& study) {
  for (const Scaling& scaling : study.scaling) {
    conclude_scaling(study, scaling);
    conclude_throughput(study, scaling);
  }
  conclude_temperature(study);
  conclude_variability(study);
  conclude_repeatability(study);
  conclude_series(study);
  for (const Fitness& fitness : study.fitness)
    study.conclusions.push_back({"fitness_" + fitness.use, about(study, fitness.series, fitness.text + ".")});
  conclude_determinism(study);
  conclude_memory(study);
  conclude_roofline(study);
  conclude_overhead(study);
  conclude_energy(study);
}

}  // namespace ifm
