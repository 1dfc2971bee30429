#include "inferometer/report/results_md.h"

#include <algorithm>

#include <fmt/format.h>

#include "inferometer/report/document.h"
#include "inferometer/report/sections.h"
#include "inferometer/report/summary.h"

namespace ifm {
namespace {

/// The figures that a section shows after its text.
void add_figures(Document& document, const std::vector<Figure>& figures, const std::vector<std::string>& names) {
  for (const Figure& figure : figures) {
    if (std::find(names.begin(), names.end(), figure.name) == names.end()) continue;
    document.emplace_back(Image{fmt::format("figures/{}.png", figure.name), figure.title});
  }
}

void add(Document& document, const Document& section) { document.insert(document.end(), section.begin(), section.end()); }

Document data_section() {
  return {
      Heading{"Data", ""},
      Bullets{{"inferometer.db: every run with each token's time; everything else is made from it.",
               "analysis/runs.csv: one row per run. analysis/summary_stats.csv, token_scaling.csv, token_scaling_fit.csv, "
               "temperature_effect.csv, token_gaps.csv, variability.csv, cells.csv: the tables above, unrounded.",
               "figures/: each figure as PNG and SVG.", "REPRODUCIBILITY.md: how to repeat the session, and what to expect."}}};
}

}  // namespace

std::string results_markdown(const Study& study, const std::vector<Figure>& figures) {
  Document document;
  add(document, title_section(study));
  add(document, setup_section(study));
  add(document, overall_section(study));
  add_figures(document, figures, {"01_latency_by_model", "02_throughput_by_model"});
  add(document, length_section(study));
  add_figures(document, figures, {"03_latency_vs_tokens"});
  add(document, gaps_section(study));
  add(document, temperature_section(study));
  add_figures(document, figures, {"04_temperature_effect"});
  add(document, spread_section(study));
  add_figures(document, figures, {"06_variability", "05_latency_distribution", "07_run_order"});
  add(document, series_section(study));
  add(document, fitness_section(study));
  add(document, other_findings_section(study));
  add(document, reliability_section(study));
  add(document, data_section());
  return render_markdown(document);
}

}  // namespace ifm
