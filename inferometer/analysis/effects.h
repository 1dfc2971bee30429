#pragma once

#include "inferometer/analysis/study.h"

/// The parts of analyze() that fit, test and split; each fills its own fields of a study whose groups stand.
namespace ifm {

void fill_scaling(Study& study);
void fill_temperature(Study& study);
void fill_series_effects(Study& study);
void fill_variance(Study& study);
void fill_drift(Study& study);
void fill_fitness(Study& study);
void fill_determinism(Study& study);
void fill_flags(Study& study);

}  // namespace ifm
