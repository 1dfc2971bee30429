#pragma once

#include "inferometer/kernel/kernels.h"

namespace ifm {

/// The scalar definition of every kernel.
[[nodiscard]] const Kernels& reference_kernels();
/// Null when this build has no such set; the caller checks the processor.
[[nodiscard]] const Kernels* avx2_kernels();
/// AVX2's with AVX-VNNI's dots; what it leaves out comes from there. The second is encoded for AVX-512 VL and VNNI.
[[nodiscard]] const Kernels* avxvnni_kernels();
[[nodiscard]] const Kernels* avxvnni_evex_kernels();
/// AVX-512 F, BW, VL, DQ, VNNI and BF16; what it leaves out comes from the next set.
[[nodiscard]] const Kernels* avx512_kernels();
/// Of any 64-bit Arm processor; products in f32.
[[nodiscard]] const Kernels* neon_kernels();
/// SDOT: products of int8 digits.
[[nodiscard]] const Kernels* neon_dotprod_kernels();
/// I8MM: the products of many tokens.
[[nodiscard]] const Kernels* neon_i8mm_kernels();

}  // namespace ifm
