#pragma once

#include <vector>

#include "inferometer/hub/synth_weights.h"
#include "inferometer/tensor/dtype.h"

namespace ifm {

/// A synthetic matrix as GGUF holds it, the same weights in every type: f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, and, where rows
/// are whole super-blocks, q4_k, q5_k, q6_k. head_dim: q and k rows are put into GGUF's order; 0 = as they are.
[[nodiscard]] std::vector<std::byte> synth_blocks(const SynthMatrix& matrix, DType type, int64_t head_dim);

}  // namespace ifm
