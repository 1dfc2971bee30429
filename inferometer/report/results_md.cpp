#include "inferometer/report/results_md.h"

#include "inferometer/render/document.h"
#include "inferometer/report/sections.h"
#include "inferometer/report/study_document.h"

namespace ifm {
namespace {

Document data_section() {
  return {
      Heading{"Data", ""},
      Bullets{{"inferometer.db: every run with each token's time; everything else is made from it.",
               "analysis/runs.csv: one row per run. analysis/summary_stats.csv, token_scaling.csv, token_scaling_fit.csv, "
               "temperature_effect.csv, token_gaps.csv, variability.csv, roofline.csv, cells.csv: the tables above, unrounded.",
               "figures/: each figure as PNG and SVG.", "REPRODUCIBILITY.md: how to repeat the session, and what to expect."}}};
}

}  // namespace

std::string results_markdown(const Study& study, const std::vector<Figure>& figures) {
  return render_markdown(
      concatenated({title_section(study), setup_section(study), study_document(study, figures), data_section()}));
}

}  // namespace ifm
