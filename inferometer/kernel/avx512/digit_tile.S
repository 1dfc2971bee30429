// Integer products of a panel of 32 rows with 4 tokens whose inputs have 16 bits in two digits. Layouts: panel.h, digit_records.h.
// Written in assembly for the reasons that shift_tile.S gives.
//
//   void ifm_digit_tile_gG[b](const uint8_t* weights, const float* scales, const float* biases, const std::byte* records,
//                             int64_t count, float* sums);
// weights: (16 * count, 2, 64) u8, scales and biases: (64 / G * count, 2, 16) f32, records: count records of kDigitRecordBytes,
// sums: (4, 2, 16) f32, read and added to. 64-byte aligned.
//
// zmm8-15 dots with high digits, zmm16-23 with low ones, zmm24-31 passing values.

#define RECORD 704
#define LOW 256
#define STARTS_OF_64 512
#define STARTS_OF_32 528
#define STARTS_OF_16 560
#define SCALES 624
#define SUMS_OF_64 640
#define SUMS_OF_32 656

#include "inferometer/kernel/avx512/tile_common.inc"

// One quad (4 values) of token \t against 32 rows; the quad's weights are in zmm24 and zmm25.
.macro take quad, t, a, b, la, lb
        vpbroadcastd (16 * \quad + 4 * \t)(%rcx), %zmm26
        vpbroadcastd (LOW + 16 * \quad + 4 * \t)(%rcx), %zmm27
        vpdpbusd %zmm26, %zmm24, %zmm\a
        vpdpbusd %zmm26, %zmm25, %zmm\b
        vpdpbusd %zmm27, %zmm24, %zmm\la
        vpdpbusd %zmm27, %zmm25, %zmm\lb
.endm
.macro take_all quad
        vmovdqa64 (128 * (\quad))(%rdi), %zmm24
        vmovdqa64 (128 * (\quad) + 64)(%rdi), %zmm25
        take (\quad), 0, 8, 9, 16, 17
        take (\quad), 1, 10, 11, 18, 19
        take (\quad), 2, 12, 13, 20, 21
        take (\quad), 3, 14, 15, 22, 23
.endm
.macro quads first, count
        .if \count
        take_all (\first)
        quads (\first + 1), (\count - 1)
        .endif
.endm

// A group begins at minus the weights' zero times its sum of inputs.
.macro begin at, t, a, b, la, lb
        vpxord %zmm\a, %zmm\a, %zmm\a
        vpxord %zmm\b, %zmm\b, %zmm\b
        vpbroadcastd (\at + 4 * \t)(%rcx), %zmm\la
        vmovdqa64 %zmm\la, %zmm\lb
.endm
.macro begin_all at
        begin (\at), 0, 8, 9, 16, 17
        begin (\at), 1, 10, 11, 18, 19
        begin (\at), 2, 12, 13, 20, 21
        begin (\at), 3, 14, 15, 22, 23
.endm

// The finished group: both digits' dots, times the inputs' scale, times the weights' scales.
.macro close t, a, b, la, lb, sa, sb
        vbroadcastss (SCALES + 4 * \t)(%rcx), %zmm26
        vpslld $8, %zmm\a, %zmm\a
        vpslld $8, %zmm\b, %zmm\b
        vpaddd %zmm\la, %zmm\a, %zmm\a
        vpaddd %zmm\lb, %zmm\b, %zmm\b
        vcvtdq2ps %zmm\a, %zmm\a
        vcvtdq2ps %zmm\b, %zmm\b
        vmulps %zmm26, %zmm\a, %zmm\a
        vmulps %zmm26, %zmm\b, %zmm\b
        vfmadd231ps %zmm28, %zmm\a, %zmm\sa
        vfmadd231ps %zmm29, %zmm\b, %zmm\sb
.endm
.macro close_all group
        vmovaps (128 * (\group))(%rsi), %zmm28
        vmovaps (128 * (\group) + 64)(%rsi), %zmm29
        close 0, 8, 9, 16, 17, 0, 1
        close 1, 10, 11, 18, 19, 2, 3
        close 2, 12, 13, 20, 21, 4, 5
        close 3, 14, 15, 22, 23, 6, 7
.endm
.macro bias at, t, sa, sb
        vbroadcastss (\at + 4 * \t)(%rcx), %zmm27
        vfmadd231ps %zmm27, %zmm30, %zmm\sa
        vfmadd231ps %zmm27, %zmm31, %zmm\sb
.endm
.macro bias_all group, at
        vmovaps (128 * (\group))(%rdx), %zmm30
        vmovaps (128 * (\group) + 64)(%rdx), %zmm31
        bias (\at), 0, 0, 1
        bias (\at), 1, 2, 3
        bias (\at), 2, 4, 5
        bias (\at), 3, 6, 7
.endm

.macro advance groups
        addq $2048, %rdi
        addq $(128 * \groups), %rsi
        addq $(128 * \groups), %rdx
        addq $RECORD, %rcx
        decq %r8
        jnz 1b
.endm

        function SYMBOL(ifm_digit_tile_g64b)
        load_sums_and_distance
1:      begin_all STARTS_OF_64
        fetch_next
        quads 0, 16
        close_all 0
        bias_all 0, SUMS_OF_64
        advance 1
        finish

.macro halves biased
        begin_all STARTS_OF_32
        fetch_next
        quads 0, 8
        close_all 0
        begin_all (STARTS_OF_32 + 16)
        quads 8, 8
        close_all 1
        .if \biased
        bias_all 0, SUMS_OF_32
        bias_all 1, (SUMS_OF_32 + 16)
        .endif
        advance 2
.endm

        function SYMBOL(ifm_digit_tile_g32b)
        load_sums_and_distance
1:      halves 1
        finish

        function SYMBOL(ifm_digit_tile_g32)
        load_sums_and_distance
1:      halves 0
        finish

.macro sixteenth sub
        begin_all (STARTS_OF_16 + 16 * \sub)
        quads (4 * \sub), 4
        close_all \sub
.endm

        function SYMBOL(ifm_digit_tile_g16)
        load_sums_and_distance
1:      fetch_next
        sixteenth 0
        sixteenth 1
        sixteenth 2
        sixteenth 3
        advance 4
        finish

#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",@progbits
#endif
