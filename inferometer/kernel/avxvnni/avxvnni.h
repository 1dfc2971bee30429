#pragma once

#include "inferometer/kernel/kernels.h"

// This folder is compiled twice: for processors with AVX-VNNI, and, with IFM_EVEX, for those that have AVX-512's dots on 256
// bits: there the set is a yardstick, and its arithmetic can be tested.
#ifdef IFM_EVEX
#define IFM_VNNI avxvnni_evex
#else
#define IFM_VNNI avxvnni
#endif

namespace ifm::IFM_VNNI {

/// Decode steps, as avx2's, of inputs rounded as its steps.h says.
void decode_affine4(const MatmulTask& task);
void decode_affine4_words(const MatmulTask& task);
void decode_block32(const MatmulTask& task);
void decode_block32_words(const MatmulTask& task);

}  // namespace ifm::IFM_VNNI
