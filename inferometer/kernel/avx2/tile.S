// Products of 16 rows with 4 tokens over groups of 32 values: the inner loops of prefill. Layouts: panel.h and records.h.
//
// In assembly because compilers spill the 8 sums of so many registers. No processor that this set is for has more than two ports
// for integer multiplications and loads, and four for all vector operations; both loops keep the first ones busy.
//
//   void ifm_avx2_X(const uint8_t* weights, const float* scales, const std::byte* records, int64_t groups, float* sums);
// rdi weights, rsi scales, rdx records, rcx groups, r8 sums: (4 tokens, 16 rows) f32, read and added to. Weights, scales and sums
// are 32-byte aligned.
//
// ymm0-7: of token t 2 t (rows 0-7) and 2 t + 1 (rows 8-15).

#ifdef __APPLE__
#define SYMBOL(name) _##name
#else
#define SYMBOL(name) name
#endif

        .text

// Adds what a group contributes to a token: \a and \b dots as f32, ymm15 the token's sum of inputs; ymm8, ymm9 scales, ymm11,
// ymm12 biases.
.macro add_group t, a, b
        vmovaps (64 * \t)(%r8), %ymm13
        vmovaps (64 * \t + 32)(%r8), %ymm14
        vfmadd231ps %ymm11, %ymm15, %ymm13
        vfmadd231ps %ymm12, %ymm15, %ymm14
        vfmadd231ps %ymm8, %ymm\a, %ymm13
        vfmadd231ps %ymm9, %ymm\b, %ymm14
        vmovaps %ymm13, (64 * \t)(%r8)
        vmovaps %ymm14, (64 * \t + 32)(%r8)
.endm
.macro load_scales
        vmovaps (%rsi), %ymm8
        vmovaps 32(%rsi), %ymm9
        vmovaps 64(%rsi), %ymm11
        vmovaps 96(%rsi), %ymm12
.endm

// ---- narrow: unsigned weights of up to 5 bits, inputs of 8 bits with an integer multiple per 16 ----
// Four quads of products, 8 * 31 * 127 at most, fit into 16 bits. One multiplication by the multiples then also adds pairs.

#define NARROW_RECORD 176
#define MULTIPLES 128
#define NARROW_SUMS 160

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
.macro quad kind, q
        vmovdqa (64 * \q)(%rdi), %ymm8
        vmovdqa (64 * \q + 32)(%rdi), %ymm9
        \kind \q, 0, 0, 1
        \kind \q, 1, 2, 3
        \kind \q, 2, 4, 5
        \kind \q, 3, 6, 7
.endm
.macro multiply_sixteen s, t, a, b
        vpbroadcastd (MULTIPLES + 16 * \s + 4 * \t)(%rdx), %ymm10
        vpmaddwd %ymm10, %ymm\a, %ymm\a
        vpmaddwd %ymm10, %ymm\b, %ymm\b
.endm
// The first sixteen's dots wait on the stack.
.macro keep t, a, b
        multiply_sixteen 0, \t, \a, \b
        vmovdqa %ymm\a, (64 * \t)(%rsp)
        vmovdqa %ymm\b, (64 * \t + 32)(%rsp)
.endm
.macro close_narrow t, a, b
        multiply_sixteen 1, \t, \a, \b
        vbroadcastss (NARROW_SUMS + 4 * \t)(%rdx), %ymm15
        vpaddd (64 * \t)(%rsp), %ymm\a, %ymm\a
        vpaddd (64 * \t + 32)(%rsp), %ymm\b, %ymm\b
        vcvtdq2ps %ymm\a, %ymm\a
        vcvtdq2ps %ymm\b, %ymm\b
        add_group \t, \a, \b
.endm

        .globl SYMBOL(ifm_avx2_narrow)
        .p2align 6
SYMBOL(ifm_avx2_narrow):
        push %rbp
        mov %rsp, %rbp
        sub $256, %rsp
        and $-64, %rsp
        .p2align 5
1:
        quad first_quad, 0
        quad next_quad, 1
        quad next_quad, 2
        quad next_quad, 3
        keep 0, 0, 1
        keep 1, 2, 3
        keep 2, 4, 5
        keep 3, 6, 7
        quad first_quad, 4
        quad next_quad, 5
        quad next_quad, 6
        quad next_quad, 7
        load_scales
        close_narrow 0, 0, 1
        close_narrow 1, 2, 3
        close_narrow 2, 4, 5
        close_narrow 3, 6, 7
        add $512, %rdi
        add $128, %rsi
        add $NARROW_RECORD, %rdx
        dec %rcx
        jnz 1b
        mov %rbp, %rsp
        pop %rbp
        vzeroupper
        ret

// ---- wide: weights and inputs of 16 bits, inputs with an f32 scale per 32 ----

#define WIDE_RECORD 288
#define WIDE_SCALES 256
#define WIDE_SUMS 272

.macro first_pair p, t, a, b
        vpbroadcastd (16 * \p + 4 * \t)(%rdx), %ymm10
        vpmaddwd %ymm10, %ymm8, %ymm\a
        vpmaddwd %ymm10, %ymm9, %ymm\b
.endm
.macro next_pair p, t, a, b
        vpbroadcastd (16 * \p + 4 * \t)(%rdx), %ymm10
        vpmaddwd %ymm10, %ymm8, %ymm11
        vpmaddwd %ymm10, %ymm9, %ymm12
        vpaddd %ymm11, %ymm\a, %ymm\a
        vpaddd %ymm12, %ymm\b, %ymm\b
.endm
.macro pair kind, p
        vmovdqa (64 * \p)(%rdi), %ymm8
        vmovdqa (64 * \p + 32)(%rdi), %ymm9
        \kind \p, 0, 0, 1
        \kind \p, 1, 2, 3
        \kind \p, 2, 4, 5
        \kind \p, 3, 6, 7
.endm
.macro sixteen p
        pair first_pair, \p
        pair next_pair, (\p + 1)
        pair next_pair, (\p + 2)
        pair next_pair, (\p + 3)
        pair next_pair, (\p + 4)
        pair next_pair, (\p + 5)
        pair next_pair, (\p + 6)
        pair next_pair, (\p + 7)
.endm
.macro scale_wide t, a, b
        vbroadcastss (WIDE_SCALES + 4 * \t)(%rdx), %ymm10
        vcvtdq2ps %ymm\a, %ymm\a
        vcvtdq2ps %ymm\b, %ymm\b
        vmulps %ymm10, %ymm\a, %ymm\a
        vmulps %ymm10, %ymm\b, %ymm\b
.endm
.macro close_wide t, a, b
        scale_wide \t, \a, \b
        vbroadcastss (WIDE_SUMS + 4 * \t)(%rdx), %ymm15
        add_group \t, \a, \b
.endm
// The first sixteen of a group whose scales stand behind the second's.
.macro close_sixteen t, a, b
        scale_wide \t, \a, \b
        vmovaps (64 * \t)(%r8), %ymm13
        vmovaps (64 * \t + 32)(%r8), %ymm14
        vfmadd231ps 128(%rsi), %ymm\a, %ymm13
        vfmadd231ps 160(%rsi), %ymm\b, %ymm14
        vmovaps %ymm13, (64 * \t)(%r8)
        vmovaps %ymm14, (64 * \t + 32)(%r8)
.endm

        .globl SYMBOL(ifm_avx2_wide)
        .p2align 6
SYMBOL(ifm_avx2_wide):
1:
        sixteen 0
        pair next_pair, 8
        pair next_pair, 9
        pair next_pair, 10
        pair next_pair, 11
        pair next_pair, 12
        pair next_pair, 13
        pair next_pair, 14
        pair next_pair, 15
        load_scales
        close_wide 0, 0, 1
        close_wide 1, 2, 3
        close_wide 2, 4, 5
        close_wide 3, 6, 7
        add $1024, %rdi
        add $192, %rsi
        add $WIDE_RECORD, %rdx
        dec %rcx
        jnz 1b
        vzeroupper
        ret

        .globl SYMBOL(ifm_avx2_wide_sixteens)
        .p2align 6
SYMBOL(ifm_avx2_wide_sixteens):
1:
        sixteen 0
        close_sixteen 0, 0, 1
        close_sixteen 1, 2, 3
        close_sixteen 2, 4, 5
        close_sixteen 3, 6, 7
        sixteen 8
        load_scales
        close_wide 0, 0, 1
        close_wide 1, 2, 3
        close_wide 2, 4, 5
        close_wide 3, 6, 7
        add $1024, %rdi
        add $192, %rsi
        add $WIDE_RECORD, %rdx
        dec %rcx
        jnz 1b
        vzeroupper
        ret

#ifdef __linux__
        .section .note.GNU-stack, "", @progbits
#endif
