#pragma once

#include "inferometer/analysis/study.h"

namespace ifm {

/// What the study's numbers support, one sentence or two per rule; reads the filled study only.
void write_conclusions(Study& study);

/// What makes the numbers unreliable on this machine or in this session.
void write_warnings(Study& study);

}  // namespace ifm
