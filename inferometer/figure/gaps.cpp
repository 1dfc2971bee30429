#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/figure/figures.h"
#include "inferometer/figure/plot.h"
#include "inferometer/render/number.h"
#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

/// The time from one token event to the next.
struct Gap {
  int token = 0;   ///< number of the event's last token, from 1
  int tokens = 0;  ///< how many the event held
  double ms = 0;
};

std::vector<Gap> gaps_of(const TokenStamps& stamps) {
  std::vector<Gap> gaps;
  std::optional<int64_t> before_ns;
  int token = 0;
  for (size_t i = 0; i < stamps.offset_ns.size(); ++i) {
    if (stamps.tokens[i] <= 0) continue;  // a keep-alive is no token event
    token += stamps.tokens[i];
    if (before_ns) gaps.push_back({token, stamps.tokens[i], static_cast<double>(stamps.offset_ns[i] - *before_ns) / 1e6});
    before_ns = stamps.offset_ns[i];
  }
  return gaps;
}

void add_gaps(Plot& plot, const std::vector<Gap>& gaps, const Mark& mark) {
  std::vector<std::vector<double>> single, several;
  for (const Gap& gap : gaps) (gap.tokens == 1 ? single : several).push_back({static_cast<double>(gap.token), gap.ms});
  if (!single.empty()) {
    plot.data("gaps", single);
    plot.element(fmt::format("$gaps using 1:2 with impulses lw 1 lc rgb '{}' notitle", translucent(mark)));
    plot.element(fmt::format("$gaps using 1:2 with points pt 7 ps 1.0 lc rgb '{}' notitle", mark.colour));
  }
  if (!several.empty()) {
    plot.data("several", several);
    plot.element("$several using 1:2 with points pt 4 ps 1.4 lw 1.5 lc rgb 'black' notitle");
  }
}

std::string subtitle_of(const Study& study, const Run& run, const std::vector<Gap>& gaps, double median_ms) {
  const Gap& longest = *std::max_element(gaps.begin(), gaps.end(), [](const Gap& a, const Gap& b) { return a.ms < b.ms; });
  std::string text = fmt::format(
      "{} · {}, {} tokens, temperature {}. Each mark is the time since the token event before it; the first token came after {}. "
      "Dashed: the median, {} ms. The longest gap, {} ms, ends at token {}.",
      series_label(run, study.by_mode.size() > 1), run.prompt, run.max_tokens, shortest(run.temperature),
      run.metrics.ttft_s ? duration_text(run.metrics.ttft_s) : "an unknown time", significant(median_ms), significant(longest.ms),
      longest.token);
  if (run.kind == RunKind::warmup) text += " A warm-up run: it is in no table.";
  if (run.status == RunStatus::failed) text += fmt::format(" The run failed: {}.", run.error_kind);
  for (size_t i = 0; i < run.flags.size(); ++i) text.append(i == 0 ? " Flags: " : ", ").append(run.flags[i]);
  return text + (run.flags.empty() ? "" : ".");
}

}  // namespace

Figure gaps_figure(const Study& study, const Run& run) {
  const std::vector<Gap> gaps = gaps_of(run.stamps);
  if (gaps.empty()) fail(ErrorKind::not_found, "run {}: no gap to draw (expected two token events or more)", run.id);
  std::vector<double> all_ms;
  for (const Gap& gap : gaps) all_ms.push_back(gap.ms);
  const double median_ms = *stats::median(all_ms);
  const double largest_ms = std::max(1e-6, *stats::maximum(all_ms));
  const std::string title = fmt::format("Gaps between the tokens of run {}", run.id);
  Plot plot(study, title, subtitle_of(study, run, gaps, median_ms), 800);
  const Mark mark = series_mark(study, series_of(study, run).value_or(0));
  ColourKey key{{"one token"}, {{mark.colour, 7}}, false};
  if (std::any_of(gaps.begin(), gaps.end(), [](const Gap& gap) { return gap.tokens > 1; })) {
    key.names.emplace_back("several tokens at once");
    key.marks.push_back({"#000000", 4});
  }
  const double bottom = plot.legend(key);
  plot.area(140, 50, plot.head() + 34, bottom);
  plot.line(fmt::format("set xrange [0:{}]", gaps.back().token + 1));
  plot.line(fmt::format("set yrange [0:{}]", shortest(1.12 * largest_ms))).line("unset key");
  plot.line("set xlabel 'Token' font 'DejaVu Sans,16'").line("set ylabel 'Gap (ms)' font 'DejaVu Sans,16' offset 0.5,0");
  plot.line(fmt::format("set arrow from graph 0, first {0} to graph 1, first {0} nohead front dt 2 lc rgb 'black' lw 1.5",
                        shortest(median_ms)));
  add_gaps(plot, gaps, mark);
  plot.draw();
  return {fmt::format("gaps_run_{}", run.id), title, plot.height(), plot.take(), {}};
}

}  // namespace ifm
