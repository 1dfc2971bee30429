#pragma once

#include <cstddef>
#include <cstdint>

#include "inferometer/kernel/kernels.h"

extern "C" {
/// The loops of tile.S, see tile_common.inc.
using IfmTile = void(const uint8_t* weights, const float* scales, const std::byte* records, int64_t groups, float* sums);
IfmTile ifm_avx2_narrow, ifm_avx2_wide, ifm_avx2_wide_sixteens;
}

namespace ifm::avx2 {

/// prefill_narrow and prefill_wide (avx2.h) with other tiles; wide ones: of groups with one scale, and with one for each 16
/// values.
void prefill_narrow_with(const MatmulTask& task, IfmTile* tile);
void prefill_wide_with(const MatmulTask& task, IfmTile* tile, IfmTile* sixteens);

}  // namespace ifm::avx2
