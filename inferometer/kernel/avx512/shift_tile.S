// Integer products of a panel of 32 rows with 4 tokens: the inner loops of prefill. Layouts: panel.h and shifts.h.
//
// Written in assembly because compilers copy and spill the 24 accumulators, which halves the speed. Dots, multiplications and
// additions of floats share two ports, and those are what the loop waits for; shifts, integer additions, conversions, broadcasts
// and register copies run beside them. So of a group's work only one multiply-add per vector is paid for besides its dots.
//
//   void ifm_shift_tile_gG[b](const uint8_t* weights, const float* scales, const uint32_t* biases, const std::byte* records,
//                       int64_t count, float* sums);
// weights: (16 * count, 2, 64) u8, scales: (64 / G * count, 2, 16) f32, biases: bf16 pairs, records: count records of
// kShiftRecordBytes,
// sums: (4, 2, 16) f32, read and added to. 64-byte aligned, except records (16).
//
// zmm0-7 sums, zmm8-15 dots of the running subgroup of 16 values, zmm16-23 dots of the running group, zmm24-31 passing values.
// Of each eight, token t has the registers 2 t (rows 0-15) and 2 t + 1 (rows 16-31).

#define RECORD 416
#define SHIFTS 256
#define STARTS 320
#define PAIRS_OF_32 384
#define PAIRS_OF_64 400

#include "inferometer/kernel/avx512/tile_common.inc"

// One quad (4 values) of token \t against 32 rows; the quad's weights are in zmm24 and zmm25.
.macro take quad, t, a, b
        vpbroadcastd (16 * \quad + 4 * \t)(%rcx), %zmm26
        vpdpbusd %zmm26, %zmm24, %zmm\a
        vpdpbusd %zmm26, %zmm25, %zmm\b
.endm

.macro weights quad
        vmovdqa64 (128 * (\quad))(%rdi), %zmm24
        vmovdqa64 (128 * (\quad) + 64)(%rdi), %zmm25
.endm

.macro take_all quad
        weights \quad
        take (\quad), 0, 8, 9
        take (\quad), 1, 10, 11
        take (\quad), 2, 12, 13
        take (\quad), 3, 14, 15
.endm

// A subgroup begins at minus the weights' zero times its sum of inputs.
.macro begin sub, t, a, b
        vpbroadcastd (STARTS + 16 * (\sub) + 4 * \t)(%rcx), %zmm\a
        vmovdqa64 %zmm\a, %zmm\b
.endm

// The finished subgroup's dots, shifted, become (first) or are added to (more) the group's.
.macro first sub, t, a, b, ga, gb
        vpbroadcastd (SHIFTS + 16 * (\sub) + 4 * \t)(%rcx), %zmm27
        vpsllvd %zmm27, %zmm\a, %zmm\ga
        vpsllvd %zmm27, %zmm\b, %zmm\gb
.endm
.macro more sub, t, a, b, ga, gb
        vpbroadcastd (SHIFTS + 16 * (\sub) + 4 * \t)(%rcx), %zmm27
        vpsllvd %zmm27, %zmm\a, %zmm28
        vpsllvd %zmm27, %zmm\b, %zmm29
        vpaddd %zmm28, %zmm\ga, %zmm\ga
        vpaddd %zmm29, %zmm\gb, %zmm\gb
.endm

// The finished group's dots times the weights' scales.
.macro scale ga, gb, sa, sb
        vcvtdq2ps %zmm\ga, %zmm\ga
        vcvtdq2ps %zmm\gb, %zmm\gb
        vfmadd231ps %zmm30, %zmm\ga, %zmm\sa
        vfmadd231ps %zmm31, %zmm\gb, %zmm\sb
.endm
.macro scales group
        vmovaps (128 * (\group))(%rsi), %zmm30
        vmovaps (128 * (\group) + 64)(%rsi), %zmm31
.endm

// The step from subgroup \sub to the next, within a group or (closes) over its end.
.macro step kind, sub, closes, t, a, b, ga, gb, sa, sb
        \kind (\sub), \t, \a, \b, \ga, \gb
        begin (\sub + 1), \t, \a, \b
        take (4 * (\sub + 1)), \t, \a, \b
        .if \closes
        scale \ga, \gb, \sa, \sb
        .endif
.endm
.macro step_all kind, sub, closes, group
        weights (4 * (\sub + 1))
        .if \closes
        scales \group
        .endif
        step \kind, (\sub), \closes, 0, 8, 9, 16, 17, 0, 1
        step \kind, (\sub), \closes, 1, 10, 11, 18, 19, 2, 3
        step \kind, (\sub), \closes, 2, 12, 13, 20, 21, 4, 5
        step \kind, (\sub), \closes, 3, 14, 15, 22, 23, 6, 7
.endm
.macro rest sub
        take_all (4 * (\sub) + 1)
        take_all (4 * (\sub) + 2)
        take_all (4 * (\sub) + 3)
.endm
.macro open_record
        begin 0, 0, 8, 9
        begin 0, 1, 10, 11
        begin 0, 2, 12, 13
        begin 0, 3, 14, 15
        take_all 0
        rest 0
.endm
.macro close_record kind, group
        scales \group
        \kind 3, 0, 8, 9, 16, 17
        scale 16, 17, 0, 1
        \kind 3, 1, 10, 11, 18, 19
        scale 18, 19, 2, 3
        \kind 3, 2, 12, 13, 20, 21
        scale 20, 21, 4, 5
        \kind 3, 3, 14, 15, 22, 23
        scale 22, 23, 6, 7
.endm

// A pair of groups: biases times sums of inputs.
.macro bias at, t, sa, sb
        vpbroadcastd (\at + 4 * \t)(%rcx), %zmm26
        vdpbf16ps %zmm26, %zmm24, %zmm\sa
        vdpbf16ps %zmm26, %zmm25, %zmm\sb
.endm
// From rcx on, every \stride bytes, rax times.
.macro all_biases at, stride
2:      vmovdqa64 (%rdx), %zmm24
        vmovdqa64 64(%rdx), %zmm25
        bias \at, 0, 0, 1
        bias \at, 1, 2, 3
        bias \at, 2, 4, 5
        bias \at, 3, 6, 7
        addq $128, %rdx
        addq $\stride, %rcx
        decq %rax
        jnz 2b
.endm

.macro advance groups
        addq $2048, %rdi
        addq $(128 * \groups), %rsi
        addq $RECORD, %rcx
        decq %r8
        jnz 1b
.endm
.macro records_of_64
1:      open_record
        fetch_next
        step_all first, 0, 0, 0
        rest 1
        step_all more, 1, 0, 0
        rest 2
        step_all more, 2, 0, 0
        rest 3
        close_record more, 0
        advance 1
.endm
.macro records_of_32
1:      open_record
        fetch_next
        step_all first, 0, 0, 0
        rest 1
        step_all more, 1, 1, 0
        rest 2
        step_all first, 2, 0, 0
        rest 3
        close_record more, 1
        advance 2
.endm
.macro records_of_16
1:      open_record
        fetch_next
        step_all first, 0, 1, 0
        rest 1
        step_all first, 1, 1, 1
        rest 2
        step_all first, 2, 1, 2
        rest 3
        close_record first, 3
        advance 4
.endm

        function SYMBOL(ifm_shift_tile_g64b)
        load_sums_and_distance
        movq %rcx, %r10
        leaq 1(%r8), %rax
        shrq $1, %rax
        records_of_64
        movq %r10, %rcx
        all_biases PAIRS_OF_64, (2 * RECORD)
        finish

        function SYMBOL(ifm_shift_tile_g32b)
        load_sums_and_distance
        movq %rcx, %r10
        movq %r8, %rax
        records_of_32
        movq %r10, %rcx
        all_biases PAIRS_OF_32, RECORD
        finish

        function SYMBOL(ifm_shift_tile_g32)
        load_sums_and_distance
        records_of_32
        finish

        function SYMBOL(ifm_shift_tile_g16)
        load_sums_and_distance
        records_of_16
        finish

#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",@progbits
#endif
