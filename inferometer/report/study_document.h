#pragma once

#include <string>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/figure/figures.h"
#include "inferometer/render/document.h"

namespace ifm {

/// The tables, figures and sentences of a study from "Overall" to what makes them unreliable, as RESULTS.md and the page show
/// them. Those of `figures` that have a place there are images named figure_file().
[[nodiscard]] Document study_document(const Study& study, const std::vector<Figure>& figures);

/// Where a figure lies in the results folder: "figures/01_latency_by_model.png".
[[nodiscard]] std::string figure_file(const Figure& figure);

}  // namespace ifm
