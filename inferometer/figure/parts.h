#pragma once

#include "inferometer/figure/figures.h"
#include "inferometer/figure/plot.h"

namespace ifm {

/// A metric of each series and output length: rows of points with their mean (01 and 02).
[[nodiscard]] Figure metric_by_model_figure(const Study& study, const char* name, const char* metric_key,
                                            const Canvas& canvas = {});
/// Latency over output tokens with the fitted lines (03).
[[nodiscard]] Figure latency_vs_tokens_figure(const Study& study, const Canvas& canvas = {});
/// Latency relative to the lowest temperature, and the tested effects (04).
[[nodiscard]] Figure temperature_figure(const Study& study);
/// Cumulative distribution, and what repeats of a cell differ by (05).
[[nodiscard]] Figure distribution_figure(const Study& study);
/// What share of each metric's variance each factor explains, and how much repeats of a cell differ (06).
[[nodiscard]] Figure variability_figure(const Study& study);
/// Each run against the mean of its cell, in execution order, flagged ones marked (07).
[[nodiscard]] Figure run_order_figure(const Study& study, const Canvas& canvas = {});
/// Time to first token and decode speed of each series: rows of points with their mean (08).
[[nodiscard]] Figure speeds_figure(const Study& study);
/// What each series computes beside what the machine can do (09); empty where the models' work is not known.
[[nodiscard]] Figure roofline_figure(const Study& study, const Canvas& canvas = {});

}  // namespace ifm
