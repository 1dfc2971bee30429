// Products of two rows of 4-bit weights in place with 4 tokens: the inner loop of several sequences that are decoded together. What
// is computed, and in which order, is what decode_nibbles.cpp computes for one token. Layouts: nibble_lines.h and lane_shifts.h.
//
// Written in assembly because compilers spill what has to stay in registers. Dots and multiply-adds share two ports, and those are
// what the loop waits for: four dots and a multiply-add for each row, token and pair of lines.
//
//   void ifm_lane_tile_gG(const IfmLaneTile* tile), see lane_tiles.h
//
// zmm0-7 sums, token t's in 2 t (first row) and 2 t + 1 (second); zmm8-9 even lanes' nibbles of both rows, zmm10-11 odd ones',
// zmm12-15 the same shifted, zmm16-17 factors, zmm23 the groups of a pair's lanes, zmm24-25 scales of 16 groups, the others passing
// values.

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

// A pair of lines of one token.
.macro take token, sa, sb
        vmovdqu64 256(%\token), %zmm30
        vmovdqu64 (%\token), %zmm28
        vmovdqu64 64(%\token), %zmm29
        vmovdqa64 %zmm30, %zmm26
        vmovdqa64 %zmm30, %zmm27
        vpdpbusd %zmm28, %zmm8, %zmm26
        vpdpbusd %zmm28, %zmm9, %zmm27
        vpdpbusd %zmm29, %zmm12, %zmm26
        vpdpbusd %zmm29, %zmm13, %zmm27
        vmovdqu64 128(%\token), %zmm31
        vmovdqu64 192(%\token), %zmm18
        vpdpbusd %zmm31, %zmm10, %zmm26
        vpdpbusd %zmm31, %zmm11, %zmm27
        vpdpbusd %zmm18, %zmm14, %zmm26
        vpdpbusd %zmm18, %zmm15, %zmm27
        vsubps %zmm30, %zmm26, %zmm26
        vsubps %zmm30, %zmm27, %zmm27
        vfmadd231ps %zmm16, %zmm26, %zmm\sa
        vfmadd231ps %zmm17, %zmm27, %zmm\sb
        subq $PAIR_BYTES, %\token
.endm

// A pair of lines of a row: \v even dwords, \w odd ones.
.macro nibbles row, v, w, vs, ws
        vmovdqu64 (%\row), %zmm20
        vmovdqu64 64(%\row), %zmm21
        prefetcht0 (%\row, %r15)
        prefetcht0 64(%\row, %r15)
        vshufps $0x88, %zmm21, %zmm20, %zmm\v
        vshufps $0xDD, %zmm21, %zmm20, %zmm\w
        vpslld $4, %zmm\v, %zmm\vs
        vpslld $4, %zmm\w, %zmm\ws
        addq $128, %\row
.endm
.macro factors f, g, step
        vpermps %zmm24, %zmm23, %zmm\f
        vpermps %zmm25, %zmm23, %zmm\g
        vpaddd \step(%rip), %zmm23, %zmm23
.endm

// first: the groups of the first pair's lanes; step: groups of a pair, in all lanes; pairs: that 16 groups fill.
.macro tile first, step, pairs
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
        leaq (%rcx, %rax), %r8
        leaq (%rcx, %rax, 2), %r10
        leaq (%r8, %rax, 2), %r11
        leaq (%rax, %rax, 2), %r12
        cmpq $0, ADDS(%rdi)
        jne 4f
        vpxord %zmm0, %zmm0, %zmm0
        vpxord %zmm1, %zmm1, %zmm1
        vpxord %zmm2, %zmm2, %zmm2
        vpxord %zmm3, %zmm3, %zmm3
        vpxord %zmm4, %zmm4, %zmm4
        vpxord %zmm5, %zmm5, %zmm5
        vpxord %zmm6, %zmm6, %zmm6
        vpxord %zmm7, %zmm7, %zmm7
        jmp 5f
4:      movq SUMS(%rdi), %r9
        load_sums
5:
        movq GROUPS(%rdi), %r9
        movq AHEAD(%rdi), %r15
1:      vmovups (%r9), %zmm24
        vmovups 64(%r9), %zmm25
        vmovups 128(%r9), %zmm26
        vmovups 192(%r9), %zmm27
        addq $256, %r9
        vmovups (%rbx), %zmm28
        vmovups (%rbx, %rax), %zmm29
        vmovups (%rbx, %rax, 2), %zmm30
        vmovups (%rbx, %r12), %zmm31
        addq $64, %rbx
        vfmadd231ps %zmm28, %zmm26, %zmm0
        vfmadd231ps %zmm28, %zmm27, %zmm1
        vfmadd231ps %zmm29, %zmm26, %zmm2
        vfmadd231ps %zmm29, %zmm27, %zmm3
        vfmadd231ps %zmm30, %zmm26, %zmm4
        vfmadd231ps %zmm30, %zmm27, %zmm5
        vfmadd231ps %zmm31, %zmm26, %zmm6
        vfmadd231ps %zmm31, %zmm27, %zmm7
        vmovdqa64 \first(%rip), %zmm23
        movl $\pairs, %r14d
2:      nibbles rsi, 8, 10, 12, 14
        nibbles rdx, 9, 11, 13, 15
        factors 16, 17, \step
        take rcx, 0, 1
        take r8, 2, 3
        take r10, 4, 5
        take r11, 6, 7
        decq %r13
        jz 3f
        decl %r14d
        jnz 2b
        jmp 1b
3:      movq SUMS(%rdi), %r9
        store_sums
        vzeroupper
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbx
        ret
.endm

        function SYMBOL(ifm_lane_tile_g64)
        tile groups_of_64, four_groups, 4

        function SYMBOL(ifm_lane_tile_g32)
        tile groups_of_32, eight_groups, 2

        .p2align 6
groups_of_64:
        .long 0, 0, 2, 2, 0, 0, 2, 2, 1, 1, 3, 3, 1, 1, 3, 3
groups_of_32:
        .long 0, 0, 4, 4, 1, 1, 5, 5, 2, 2, 6, 6, 3, 3, 7, 7
four_groups:
        .long 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4
eight_groups:
        .long 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8

#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",@progbits
#endif
