#include "inferometer/report/summary.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "inferometer/report/sections.h"

namespace ifm {

Document other_findings_section(const Study& study) {
  constexpr std::array<std::string_view, 9> kShown{"overall",       "scaling", "throughput", "temperature", "variability",
                                                   "repeatability", "drift",   "series",     "fitness"};
  std::vector<std::string> texts;
  for (const Conclusion& conclusion : study.conclusions) {
    const std::string head = conclusion.id.substr(0, conclusion.id.find_first_of("._:/-"));
    if (std::find(kShown.begin(), kShown.end(), head) == kShown.end()) texts.push_back(conclusion.text);
  }
  if (texts.empty()) return {};
  return {Heading{"Also found", ""}, Bullets{std::move(texts)}};
}

Document summary_document(const Study& study) {
  Document document;
  for (const Document& section : {title_section(study), setup_section(study), overall_section(study), length_section(study),
                                  gaps_section(study), temperature_section(study), spread_section(study), series_section(study),
                                  fitness_section(study), other_findings_section(study), reliability_section(study)}) {
    document.insert(document.end(), section.begin(), section.end());
  }
  return document;
}

std::string summary_text(const Study& study, const TextStyle& style) { return render_text(summary_document(study), style); }

}  // namespace ifm
