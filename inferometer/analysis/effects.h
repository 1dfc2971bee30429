#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/study.h"
#include "inferometer/stats/anova.h"
#include "inferometer/stats/linear.h"
#include "inferometer/stats/trend.h"

/// The parts of analyze() that fit, test and split; each fills its own fields of a study whose groups stand.
namespace ifm {

void fill_scaling(Study& study);
void fill_temperature(Study& study);
void fill_series_effects(Study& study);
void fill_variance(Study& study);
void fill_drift(Study& study);
void fill_token_gaps(Study& study);
void fill_memory_shares(Study& study);
void fill_roofline(Study& study);
void fill_fitness(Study& study);
void fill_determinism(Study& study);
void fill_flags(Study& study);

/// What was loaded for a series; null where it never was.
[[nodiscard]] const SessionModel* loaded_model(const Study& study, const Group& series);

/// What a plan varies, as factors of these runs: mode, engine, model, prompt, max_tokens, temperature.
[[nodiscard]] std::vector<stats::Factor> level_factors(const std::vector<const Run*>& runs);

/// What counted flags, a fitted line, an analysis of variance and a trend say in a study's fields; session_hours is known before
/// the trend. latency: of the runs that they were made of. A line has no intervals with few runs of a length, where a few skewed
/// values of the longest decide it, nor where time does more to the runs than widen them; a trend has none where time cannot be
/// told.
void set_line(Scaling& scaling, const stats::Line& line, const std::map<int, int64_t>& runs_of_length, const MetricTime& latency);
void set_flags(Study& study, const std::map<std::string, int>& runs_by_flag);
void append_shares(Study& study, const char* metric, const std::vector<stats::Effect>& effects);
/// residuals: log latencies less their cells' means, in order of execution. Returns the outliers' places.
std::vector<size_t> set_residuals(Study& study, const std::vector<double>& residuals);
void set_drift(Study& study, const std::optional<stats::Trend>& trend, const MetricTime& latency);

}  // namespace ifm
