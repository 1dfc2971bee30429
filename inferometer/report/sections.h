#pragma once

#include "inferometer/analysis/study.h"
#include "inferometer/render/document.h"

namespace ifm {

/// The parts of the summary, in the order in which it shows them. Each is empty when the study has nothing to say there.
[[nodiscard]] Document title_section(const Study& study);
[[nodiscard]] Document setup_section(const Study& study);
[[nodiscard]] Document overall_section(const Study& study);
[[nodiscard]] Document length_section(const Study& study);
[[nodiscard]] Document gaps_section(const Study& study);
[[nodiscard]] Document temperature_section(const Study& study);
[[nodiscard]] Document spread_section(const Study& study);
[[nodiscard]] Document series_section(const Study& study);
[[nodiscard]] Document fitness_section(const Study& study);
/// Conclusions on topics that no other section shows.
[[nodiscard]] Document other_findings_section(const Study& study);
[[nodiscard]] Document reliability_section(const Study& study);

/// Means of the main metrics, one series per row.
[[nodiscard]] ReportTable series_means_table(const Study& study);
/// "2 cores (4 logical)", "15.6 GB", …: machine, system, models, engines, build and design of a session.
[[nodiscard]] Facts setup_facts(const Study& study);
/// The conclusions whose id is `topic` or starts with it and a separator, as paragraphs.
[[nodiscard]] std::vector<std::string> conclusions_on(const Study& study, const std::string& topic);

}  // namespace ifm
