// Products of two rows of 4-bit weights in place with 4 or 8 tokens: the inner loop of several sequences that are decoded together.
// What is computed, and in which order, is what decode_nibbles.cpp computes for one token. Layouts: nibble_lines.h and lane_shifts.h.
//
// Written in assembly because compilers spill what has to stay in registers. Dots and multiply-adds share two ports, and those are
// what the loop waits for: four dots and a multiply-add for each row, token and pair of lines.
//
//   void ifm_lane_tile_tT_gG_lL(const IfmLaneTile* tile): T tokens, groups of G, fetching into the L1 or L2 cache, see lane_tiles.h
//
// zmm0-15 sums, token t's in 2 t (first row) and 2 t + 1 (second); zmm16-17 even lanes' nibbles of both rows, zmm18-19 odd ones',
// zmm20-23 the same shifted, zmm24-25 factors, the others passing values. Tokens 0 to 3 lie at rcx, tokens 4 to 7 at r8.

#define FIRST_ROW 0
#define SECOND_ROW 8
#define GROUPS 16
#define INPUTS 24
#define INPUT_SUMS 32
#define TOKEN_BYTES 40
#define PAIRS 48
#define SUMS 56
#define ADDS 64
#define AHEAD 72

#define PAIR_BYTES 320

#include "inferometer/kernel/avx512/tile_common.inc"

// A pair of lines of the token at \base, \index.
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
        addq $64, %\tokens
.endm

// A pair of lines of a row: \v even dwords, \w odd ones.
.macro nibbles fetch, row, v, w, vs, ws
        vmovdqu64 (%\row), %zmm30
        vmovdqu64 64(%\row), %zmm31
        \fetch (%\row, %r15)
        \fetch 64(%\row, %r15)
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

// fetch: the instruction for what lies ahead; spread: for each pair that 16 groups fill, the groups of its lanes; pairs: how many.
.macro tile tokens, fetch, spread, pairs
        pushq %rbx
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        movq FIRST_ROW(%rdi), %rsi
        movq SECOND_ROW(%rdi), %rdx
        movq INPUT_SUMS(%rdi), %rbx
        movq TOKEN_BYTES(%rdi), %rax
        movq PAIRS(%rdi), %r13
        movq INPUTS(%rdi), %rcx
        leaq (%rcx, %rax, 4), %r8
        leaq (%rbx, %rax, 4), %r10
        leaq (%rax, %rax, 2), %r12
        leaq \spread(%rip), %r11
        clear_sums
        cmpq $0, ADDS(%rdi)
        je 5f
        movq SUMS(%rdi), %r9
        load_sums
        .if \tokens == 8
        load_more_sums
        .endif
5:      movq GROUPS(%rdi), %r9
        movq AHEAD(%rdi), %r15
1:      vmovups 128(%r9), %zmm26
        vmovups 192(%r9), %zmm27
        add_biases_of_four rbx, 0, 1, 2, 3, 4, 5, 6, 7
        .if \tokens == 8
        add_biases_of_four r10, 8, 9, 10, 11, 12, 13, 14, 15
        .endif
        xorl %r14d, %r14d
2:      nibbles \fetch, rsi, 16, 18, 20, 22
        nibbles \fetch, rdx, 17, 19, 21, 23
        vmovdqa64 (%r11, %r14), %zmm26
        vpermps (%r9), %zmm26, %zmm24
        vpermps 64(%r9), %zmm26, %zmm25
        take_four rcx, 0, 1, 2, 3, 4, 5, 6, 7
        .if \tokens == 8
        take_four r8, 8, 9, 10, 11, 12, 13, 14, 15
        .endif
        decq %r13
        jz 3f
        addl $64, %r14d
        cmpl $(64 * \pairs), %r14d
        jne 2b
        addq $256, %r9
        jmp 1b
3:      movq SUMS(%rdi), %r9
        store_sums
        .if \tokens == 8
        store_more_sums
        .endif
        vzeroupper
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbx
        ret
.endm

        function SYMBOL(ifm_lane_tile_t4_g64_l1)
        tile 4, prefetcht0, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t4_g64_l2)
        tile 4, prefetcht1, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t8_g64_l1)
        tile 8, prefetcht0, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t8_g64_l2)
        tile 8, prefetcht1, groups_of_64, 4
        function SYMBOL(ifm_lane_tile_t4_g32_l1)
        tile 4, prefetcht0, groups_of_32, 2
        function SYMBOL(ifm_lane_tile_t4_g32_l2)
        tile 4, prefetcht1, groups_of_32, 2
        function SYMBOL(ifm_lane_tile_t8_g32_l1)
        tile 8, prefetcht0, groups_of_32, 2
        function SYMBOL(ifm_lane_tile_t8_g32_l2)
        tile 8, prefetcht1, groups_of_32, 2

        .p2align 6
groups_of_64:
        .long 0, 0, 2, 2, 0, 0, 2, 2, 1, 1, 3, 3, 1, 1, 3, 3
        .long 4, 4, 6, 6, 4, 4, 6, 6, 5, 5, 7, 7, 5, 5, 7, 7
        .long 8, 8, 10, 10, 8, 8, 10, 10, 9, 9, 11, 11, 9, 9, 11, 11
        .long 12, 12, 14, 14, 12, 12, 14, 14, 13, 13, 15, 15, 13, 13, 15, 15
groups_of_32:
        .long 0, 0, 4, 4, 1, 1, 5, 5, 2, 2, 6, 6, 3, 3, 7, 7
        .long 8, 8, 12, 12, 9, 9, 13, 13, 10, 10, 14, 14, 11, 11, 15, 15

#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",@progbits
#endif
