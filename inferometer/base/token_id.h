#pragma once

#include <cstdint>

namespace ifm {

/// Index of a token in a model's vocabulary; never negative in valid data.
using TokenId = int32_t;

}  // namespace ifm
