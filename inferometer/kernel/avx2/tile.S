// Products of 16 rows with 4 tokens over groups of 32 values: the inner loops of prefill.
//
// In assembly because compilers spill the 8 sums of so many registers. No processor that this set is for has more than two ports
// for integer multiplications and loads, and four for all vector operations; both loops keep the first ones busy.

#include "inferometer/kernel/avx2/tile_common.inc"

// Narrow. Four quads of products, 8 * 31 * 127 at most, fit into 16 bits. One multiplication by the multiples then also adds
// pairs.
.macro first_quad q, t, a, b
        vpbroadcastd (16 * \q + 4 * \t)(%rdx), %ymm10
        vpmaddubsw %ymm10, %ymm8, %ymm\a
        vpmaddubsw %ymm10, %ymm9, %ymm\b
.endm
.macro next_quad q, t, a, b
        vpbroadcastd (16 * \q + 4 * \t)(%rdx), %ymm10
        vpmaddubsw %ymm10, %ymm8, %ymm11
        vpmaddubsw %ymm10, %ymm9, %ymm12
        vpaddw %ymm11, %ymm\a, %ymm\a
        vpaddw %ymm12, %ymm\b, %ymm\b
.endm
.macro multiply_sixteen s, t, a, b
        vpbroadcastd (MULTIPLES + 16 * \s + 4 * \t)(%rdx), %ymm10
        vpmaddwd %ymm10, %ymm\a, %ymm\a
        vpmaddwd %ymm10, %ymm\b, %ymm\b
.endm

// Wide.
.macro next_pair p, t, a, b
        vpbroadcastd (16 * \p + 4 * \t)(%rdx), %ymm10
        vpmaddwd %ymm10, %ymm8, %ymm11
        vpmaddwd %ymm10, %ymm9, %ymm12
        vpaddd %ymm11, %ymm\a, %ymm\a
        vpaddd %ymm12, %ymm\b, %ymm\b
.endm

        narrow_tile SYMBOL(ifm_avx2_narrow)
        wide_tile SYMBOL(ifm_avx2_wide)
        wide_sixteens_tile SYMBOL(ifm_avx2_wide_sixteens)

#ifdef __linux__
        .section .note.GNU-stack, "", @progbits
#endif
