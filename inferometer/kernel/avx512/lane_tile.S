// Products of rows of 4-bit weights in place with 4 or 8 tokens: what several sequences that are decoded together need. What is
// computed, and in which order, is what decode_nibbles.cpp computes for one token. Layouts: nibble_lines.h and lane_shifts.h.
//
// Written in assembly because compilers spill what has to stay in registers. Dots and multiply-adds share two ports, and those are
// what the loop waits for: four dots and a multiply-add for each row, token and pair of lines. Rows pass by in here, too: what lies
// between them (sums of lanes, scales and biases) then runs beside the dots of the next one.
//
//   void ifm_lane_tile_tT_gG_D(IfmLaneTile* tile): T tokens, groups of G, scales and biases of type D, see lane_tiles.h
//
// zmm0-15 sums, token t's in 2 t (first row) and 2 t + 1 (second); zmm16-17 even lanes' nibbles of both rows, zmm18-19 odd ones',
// zmm20-23 the same shifted, zmm24-25 factors, the others passing values. Tokens 0 to 3 lie at rcx, tokens 4 to 7 at r8.

// Fields of IfmLaneTile.
#define FIRST_ROW 0
#define SECOND_ROW 8
#define ROW_STEP 16
#define SCALES 24
#define BIASES 32
#define SECOND_GROUPS 40
#define GROUPS_STEP 48
#define GROUPS_AHEAD 56
#define INPUTS 64
#define INPUT_SUMS 72
#define TOKEN_BYTES 80
#define PAIRS 88
#define LAST_MASK 96
#define ROWS 104
#define AHEAD 112
#define CARRIED 120
#define SUMS 128
#define TOTALS 136
#define FURTHER 144
#define FURTHER_STEP 152
#define MASK 160
#define FACTORS 192
#define BASES 320

#define PAIR_BYTES 320

#include "inferometer/kernel/avx512/tile_common.inc"

// A pair of lines of the token at \index.
.macro take sa, sb, index:vararg
        vmovdqu64 256(\index), %zmm30
        vmovdqu64 (\index), %zmm28
        vmovdqu64 64(\index), %zmm29
        vmovdqa64 %zmm30, %zmm26
        vmovdqa64 %zmm30, %zmm27
        vpdpbusd %zmm28, %zmm16, %zmm26
        vpdpbusd %zmm28, %zmm17, %zmm27
        vpdpbusd %zmm29, %zmm20, %zmm26
        vpdpbusd %zmm29, %zmm21, %zmm27
        vmovdqu64 128(\index), %zmm31
        vmovdqu64 192(\index), %zmm28
        vpdpbusd %zmm31, %zmm18, %zmm26
        vpdpbusd %zmm31, %zmm19, %zmm27
        vpdpbusd %zmm28, %zmm22, %zmm26
        vpdpbusd %zmm28, %zmm23, %zmm27
        vsubps %zmm30, %zmm26, %zmm26
        vsubps %zmm30, %zmm27, %zmm27
        vfmadd231ps %zmm24, %zmm26, %zmm\sa
        vfmadd231ps %zmm25, %zmm27, %zmm\sb
.endm
.macro take_four tokens, a, b, c, d, e, f, g, h
        take \a, \b, %\tokens
        take \c, \d, %\tokens, %rax
        take \e, \f, %\tokens, %rax, 2
        take \g, \h, %\tokens, %r12
        subq $PAIR_BYTES, %\tokens
.endm

// What biases give for 16 groups.
.macro add_biases sa, sb, index:vararg
        vmovups (\index), %zmm28
        vfmadd231ps %zmm28, %zmm26, %zmm\sa
        vfmadd231ps %zmm28, %zmm27, %zmm\sb
.endm
.macro add_biases_of_four tokens, a, b, c, d, e, f, g, h
        add_biases \a, \b, %\tokens
        add_biases \c, \d, %\tokens, %rax
        add_biases \e, \f, %\tokens, %rax, 2
        add_biases \g, \h, %\tokens, %r12
.endm

// 16 groups' scales or biases (those of k1, else 0) at \index as f32. Groups of 128 are two of 64.
.macro groups_f32 group, to, index:vararg
        vmovups (\index), %zmm\to{%k1}{z}
        spread_\group \to
.endm
.macro groups_f16 group, to, index:vararg
        vcvtph2ps (\index), %zmm\to{%k1}{z}
        spread_\group \to
.endm
.macro groups_bf16 group, to, index:vararg
        vpmovzxwd (\index), %zmm\to{%k1}{z}
        vpslld $16, %zmm\to, %zmm\to
        spread_\group \to
.endm
.macro spread_32 to
.endm
.macro spread_64 to
.endm
.macro spread_128 to
        vmovdqa64 twice(%rip), %zmm28
        vpermps %zmm\to, %zmm28, %zmm\to
.endm

// A pair of lines of a row: \v even dwords, \w odd ones.
.macro nibbles row, v, w, vs, ws
        vmovdqu64 (%\row), %zmm30
        vmovdqu64 64(%\row), %zmm31
        prefetcht1 (%\row, %r15)
        prefetcht1 64(%\row, %r15)
        vshufps $0x88, %zmm31, %zmm30, %zmm\v
        vshufps $0xDD, %zmm31, %zmm30, %zmm\w
        vpslld $4, %zmm\v, %zmm\vs
        vpslld $4, %zmm\w, %zmm\ws
        addq $128, %\row
.endm
.macro clear_sums
        .irp sum, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vpxord %zmm\sum, %zmm\sum, %zmm\sum
        .endr
.endm
.macro load_more_sums
        .irp sum, 8, 9, 10, 11, 12, 13, 14, 15
        vmovaps (64 * \sum)(%r9), %zmm\sum
        .endr
.endm
.macro store_more_sums
        .irp sum, 8, 9, 10, 11, 12, 13, 14, 15
        vmovaps %zmm\sum, (64 * \sum)(%r9)
        .endr
.endm

// Lanes added up as sum_of_each() of sums.h does. Of four sums, in place of the first: their quarters' sums, side by side.
.macro add_quarters a, b, c, d
        vunpcklps %zmm\b, %zmm\a, %zmm28
        vunpckhps %zmm\b, %zmm\a, %zmm29
        vunpcklps %zmm\d, %zmm\c, %zmm30
        vunpckhps %zmm\d, %zmm\c, %zmm31
        vaddps %zmm29, %zmm28, %zmm28
        vaddps %zmm31, %zmm30, %zmm30
        vunpcklpd %zmm30, %zmm28, %zmm29
        vunpckhpd %zmm30, %zmm28, %zmm31
        vaddps %zmm31, %zmm29, %zmm\a
.endm
.macro add_halves a, b
        vshuff32x4 $0x88, %zmm\b, %zmm\a, %zmm28
        vshuff32x4 $0xDD, %zmm\b, %zmm\a, %zmm29
        vaddps %zmm29, %zmm28, %zmm\a
.endm

// spread: for each pair that 16 groups fill, the groups of its lanes; pairs: how many.
.macro tile tokens, group, dtype, group_bytes, spread, pairs
        pushq %rbx
        pushq %rbp
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        movq FIRST_ROW(%rdi), %rsi
        movq SECOND_ROW(%rdi), %rdx
        movq TOKEN_BYTES(%rdi), %rax
        movq AHEAD(%rdi), %r15
        movq FURTHER(%rdi), %rbp
        leaq (%rax, %rax, 2), %r12
        leaq \spread(%rip), %r11
        // A row of each stream.
1:      movq PAIRS(%rdi), %r13
        movq INPUTS(%rdi), %rcx
        movq INPUT_SUMS(%rdi), %rbx
        leaq (%rcx, %rax, 4), %r8
        clear_sums
        cmpq $0, CARRIED(%rdi)
        je 2f
        movq SUMS(%rdi), %r9
        load_sums
        .if \tokens == 8
        load_more_sums
        .endif
        // 16 groups.
2:      kmovw MASK(%rdi), %k1
        cmpq $\pairs, %r13
        jge 3f
        kmovw LAST_MASK(%rdi), %k1
3:      movq SECOND_GROUPS(%rdi), %r10
        movq GROUPS_AHEAD(%rdi), %r14
        movq SCALES(%rdi), %r9
        groups_\dtype \group, 24, %r9
        groups_\dtype \group, 25, %r9, %r10
        prefetcht0 (%r9, %r14)
        addq %r10, %r9
        prefetcht0 (%r9, %r14)
        addq $\group_bytes, SCALES(%rdi)
        movq BIASES(%rdi), %r9
        groups_\dtype \group, 26, %r9
        groups_\dtype \group, 27, %r9, %r10
        prefetcht0 (%r9, %r14)
        addq %r10, %r9
        prefetcht0 (%r9, %r14)
        addq $\group_bytes, BIASES(%rdi)
        vmovaps %zmm24, FACTORS(%rdi)
        vmovaps %zmm25, FACTORS + 64(%rdi)
        add_biases_of_four rbx, 0, 1, 2, 3, 4, 5, 6, 7
        .if \tokens == 8
        leaq (%rbx, %rax, 4), %r9
        add_biases_of_four r9, 8, 9, 10, 11, 12, 13, 14, 15
        .endif
        addq $64, %rbx
        xorl %r14d, %r14d
        // A pair of lines.
4:      testq %rbp, %rbp
        jz 5f
        prefetcht1 (%rsi, %rbp)
        prefetcht1 64(%rsi, %rbp)
        prefetcht1 (%rdx, %rbp)
        prefetcht1 64(%rdx, %rbp)
5:      nibbles rsi, 16, 18, 20, 22
        nibbles rdx, 17, 19, 21, 23
        vmovdqa64 (%r11, %r14), %zmm26
        vpermps FACTORS(%rdi), %zmm26, %zmm24
        vpermps FACTORS + 64(%rdi), %zmm26, %zmm25
        take_four rcx, 0, 1, 2, 3, 4, 5, 6, 7
        .if \tokens == 8
        take_four r8, 8, 9, 10, 11, 12, 13, 14, 15
        .endif
        decq %r13
        jz 6f
        addl $64, %r14d
        cmpl $(64 * \pairs), %r14d
        jne 4b
        jmp 2b
        // The end of a row.
6:      movq GROUPS_STEP(%rdi), %r9
        addq %r9, SCALES(%rdi)
        addq %r9, BIASES(%rdi)
        movq ROW_STEP(%rdi), %r9
        addq %r9, %rsi
        addq %r9, %rdx
        subq FURTHER_STEP(%rdi), %rbp
        movq TOTALS(%rdi), %r10
        movq SUMS(%rdi), %r9
        testq %r10, %r10
        jz 7f
        add_quarters 0, 1, 2, 3
        add_quarters 4, 5, 6, 7
        .if \tokens == 8
        add_quarters 8, 9, 10, 11
        add_quarters 12, 13, 14, 15
        add_halves 8, 12
        .endif
        add_halves 0, 4
        add_halves 0, 8
        vmulps BASES(%rdi), %zmm0, %zmm0
        vmovaps %zmm0, (%r10)
        addq $64, TOTALS(%rdi)
        addq $(128 * \tokens), %r9
        jmp 8f
7:      store_sums
        .if \tokens == 8
        store_more_sums
        .endif
        addq $(128 * \tokens), %r9
8:      movq %r9, SUMS(%rdi)
        decq ROWS(%rdi)
        jnz 1b
        vzeroupper
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbp
        popq %rbx
        ret
.endm

.macro tiles tokens
        function SYMBOL(ifm_lane_tile_t\tokens\()_g32_f32)
        tile \tokens, 32, f32, 64, groups_of_32, 2
        function SYMBOL(ifm_lane_tile_t\tokens\()_g32_f16)
        tile \tokens, 32, f16, 32, groups_of_32, 2
        function SYMBOL(ifm_lane_tile_t\tokens\()_g32_bf16)
        tile \tokens, 32, bf16, 32, groups_of_32, 2
        function SYMBOL(ifm_lane_tile_t\tokens\()_g64_f32)
        tile \tokens, 64, f32, 64, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t\tokens\()_g64_f16)
        tile \tokens, 64, f16, 32, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t\tokens\()_g64_bf16)
        tile \tokens, 64, bf16, 32, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t\tokens\()_g128_f32)
        tile \tokens, 128, f32, 32, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t\tokens\()_g128_f16)
        tile \tokens, 128, f16, 16, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t\tokens\()_g128_bf16)
        tile \tokens, 128, bf16, 16, groups_of_64, 4
.endm
        tiles 4
        tiles 8

        .p2align 6
groups_of_64:
        .long 0, 0, 2, 2, 0, 0, 2, 2, 1, 1, 3, 3, 1, 1, 3, 3
        .long 4, 4, 6, 6, 4, 4, 6, 6, 5, 5, 7, 7, 5, 5, 7, 7
        .long 8, 8, 10, 10, 8, 8, 10, 10, 9, 9, 11, 11, 9, 9, 11, 11
        .long 12, 12, 14, 14, 12, 12, 14, 14, 13, 13, 15, 15, 13, 13, 15, 15
groups_of_32:
        .long 0, 0, 4, 4, 1, 1, 5, 5, 2, 2, 6, 6, 3, 3, 7, 7
        .long 8, 8, 12, 12, 9, 9, 13, 13, 10, 10, 14, 14, 11, 11, 15, 15
twice:
        .long 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7

#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",@progbits
#endif
