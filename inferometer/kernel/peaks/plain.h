#pragma once

#include "inferometer/kernel/peak_loops.h"

namespace ifm {

/// Dot products of arrays in the cache as the compiler makes them: the peaks where nothing better is known.
extern const PeakLoop kPlainInt8Loop;
extern const PeakLoop kPlainF32Loop;

}  // namespace ifm
