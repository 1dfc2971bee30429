#include "inferometer/report/study_document.h"

#include <string_view>

#include "inferometer/report/sections.h"

namespace ifm {
namespace {

/// The figures that a section shows after its text; a name that ends in '*' stands for all that begin so.
Document shown(const std::vector<Figure>& figures, const std::vector<std::string_view>& names) {
  Document images;
  for (const std::string_view name : names) {
    for (const Figure& figure : figures) {
      const bool found = name.back() == '*' ? figure.name.starts_with(name.substr(0, name.size() - 1)) : figure.name == name;
      if (found) images.emplace_back(Image{figure_file(figure), figure.title});
    }
  }
  return images;
}

}  // namespace

std::string figure_file(const Figure& figure) { return "figures/" + figure.name + ".png"; }

Document study_document(const Study& study, const std::vector<Figure>& figures) {
  return concatenated(
      {overall_section(study),
       shown(figures, {"01_latency_by_model", "02_throughput_by_model", "08_first_token_and_decode", "09_roofline"}),
       length_section(study), shown(figures, {"03_latency_vs_tokens"}), gaps_section(study), shown(figures, {"gaps_run_*"}),
       temperature_section(study), shown(figures, {"04_temperature_effect"}), spread_section(study),
       shown(figures, {"06_variability", "05_latency_distribution", "07_run_order"}), series_section(study),
       fitness_section(study), other_findings_section(study), reliability_section(study)});
}

}  // namespace ifm
