// The inner loops of prefill (avx2/tile.S) with AVX-VNNI's dots, which add up by themselves. Encoded for processors that have these
// (VEX), or with IFM_EVEX for those that have AVX-512's on 256 bits.

#ifdef IFM_EVEX
#define VNNI {evex}
#define NAME(x) SYMBOL(ifm_avxvnni_evex_##x)
#else
#define VNNI {vex}
#define NAME(x) SYMBOL(ifm_avxvnni_##x)
#endif

#include "inferometer/kernel/avx2/tile_common.inc"

// Narrow: weights of 4 bits only. 16 products, 16 * 15 * 127 at most, fit into 16 bits, so that a multiplication of words by the
// multiples, in the lower halves of dwords, is one of dwords.
.macro next_quad q, t, a, b
        vpbroadcastd (16 * \q + 4 * \t)(%rdx), %ymm10
        VNNI vpdpbusd %ymm10, %ymm8, %ymm\a
        VNNI vpdpbusd %ymm10, %ymm9, %ymm\b
.endm
.macro first_quad q, t, a, b
        vpxor %ymm\a, %ymm\a, %ymm\a
        vpxor %ymm\b, %ymm\b, %ymm\b
        next_quad \q, \t, \a, \b
.endm
.macro multiply_sixteen s, t, a, b
        vpbroadcastd (MULTIPLES + 16 * \s + 4 * \t)(%rdx), %ymm10
        vpsrld $16, %ymm10, %ymm10
        vpmaddwd %ymm10, %ymm\a, %ymm\a
        vpmaddwd %ymm10, %ymm\b, %ymm\b
.endm

// Wide.
.macro next_pair p, t, a, b
        vpbroadcastd (16 * \p + 4 * \t)(%rdx), %ymm10
        VNNI vpdpwssd %ymm10, %ymm8, %ymm\a
        VNNI vpdpwssd %ymm10, %ymm9, %ymm\b
.endm

        narrow_tile NAME(narrow)
        wide_tile NAME(wide)
        wide_sixteens_tile NAME(wide_sixteens)

#ifdef __linux__
        .section .note.GNU-stack, "", @progbits
#endif
