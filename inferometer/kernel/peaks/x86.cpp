#include "inferometer/kernel/peak_loops.h"
#include "inferometer/kernel/peaks/plain.h"
#include "inferometer/machine/cpu.h"

// In assembly: compilers copy and spill accumulators of dot instructions, which halves what is measured. Factors are ones, as an
// accumulator of subnormal numbers or infinities would be slow on some processors.
namespace ifm {
namespace {

constexpr uint32_t kInt8Ones = 0x01010101;
constexpr uint32_t kInt16Ones = 0x00010001;
constexpr uint32_t kBf16Ones = 0x3f803f80;
constexpr uint32_t kF32One = 0x3f800000;

template <typename Lane, int count>
double sum_of(const Lane (&lanes)[count]) {
  double sum = 0;
  for (const Lane lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

/// 16 independent vpdpbusd a round, 64 multiply-adds each.
__attribute__((target("avx512f"))) double run_vpdpbusd(int64_t rounds) {
  int32_t lanes[16];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvpxord %%zmm\\to, %%zmm\\to, %%zmm\\to\n.endr\n"
      "vpbroadcastd %k2, %%zmm16\nvpbroadcastd %k2, %%zmm17\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvpdpbusd %%zmm17, %%zmm16, %%zmm\\to\n.endr\n"
      "dec %0\njnz 1b\n"
      ".irp from,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvpaddd %%zmm\\from, %%zmm0, %%zmm0\n.endr\n"
      "vmovdqu32 %%zmm0, %1\nvzeroupper\n"
      : "+r"(rounds), "=m"(lanes)
      : "r"(kInt8Ones)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15", "xmm16", "xmm17");
  return sum_of(lanes);
}

/// 16 independent vdpbf16ps a round, 32 multiply-adds each.
__attribute__((target("avx512f"))) double run_vdpbf16ps(int64_t rounds) {
  float lanes[16];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvpxord %%zmm\\to, %%zmm\\to, %%zmm\\to\n.endr\n"
      "vpbroadcastd %k2, %%zmm16\nvpbroadcastd %k2, %%zmm17\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvdpbf16ps %%zmm17, %%zmm16, %%zmm\\to\n.endr\n"
      "dec %0\njnz 1b\n"
      ".irp from,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvaddps %%zmm\\from, %%zmm0, %%zmm0\n.endr\n"
      "vmovups %%zmm0, %1\nvzeroupper\n"
      : "+r"(rounds), "=m"(lanes)
      : "r"(kBf16Ones)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15", "xmm16", "xmm17");
  return sum_of(lanes);
}

/// 16 independent vfmadd231ps a round, 16 multiply-adds each.
__attribute__((target("avx512f"))) double run_fma_zmm(int64_t rounds) {
  float lanes[16];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvpxord %%zmm\\to, %%zmm\\to, %%zmm\\to\n.endr\n"
      "vpbroadcastd %k2, %%zmm16\nvpbroadcastd %k2, %%zmm17\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvfmadd231ps %%zmm17, %%zmm16, %%zmm\\to\n.endr\n"
      "dec %0\njnz 1b\n"
      ".irp from,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvaddps %%zmm\\from, %%zmm0, %%zmm0\n.endr\n"
      "vmovups %%zmm0, %1\nvzeroupper\n"
      : "+r"(rounds), "=m"(lanes)
      : "r"(kF32One)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15", "xmm16", "xmm17");
  return sum_of(lanes);
}

/// 12 independent vfmadd231ps a round, 8 multiply-adds each.
__attribute__((target("avx2"))) double run_fma_ymm(int64_t rounds) {
  float lanes[8];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11\nvpxor %%ymm\\to, %%ymm\\to, %%ymm\\to\n.endr\n"
      "vmovd %k2, %%xmm12\nvpbroadcastd %%xmm12, %%ymm12\nvmovdqa %%ymm12, %%ymm13\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11\nvfmadd231ps %%ymm13, %%ymm12, %%ymm\\to\n.endr\n"
      "dec %0\njnz 1b\n"
      ".irp from,1,2,3,4,5,6,7,8,9,10,11\nvaddps %%ymm\\from, %%ymm0, %%ymm0\n.endr\n"
      "vmovups %%ymm0, %1\nvzeroupper\n"
      : "+r"(rounds), "=m"(lanes)
      : "r"(kF32One)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15");
  return sum_of(lanes);
}

/// Without dot instructions: the pairs of four vpmaddubsw are added in 16 bits, as the AVX2 kernels can with weights of up to
/// five bits, then vpmaddwd with ones and an addition make 128 multiply-adds; six times a round. The six share registers for what
/// they do not keep: processors rename them.
__attribute__((target("avx2"))) double run_vpmaddubsw(int64_t rounds) {
  int32_t lanes[8];
  asm volatile(
      ".irp to,0,1,2,3,4,5\nvpxor %%ymm\\to, %%ymm\\to, %%ymm\\to\n.endr\n"
      "vmovd %k2, %%xmm12\nvpbroadcastd %%xmm12, %%ymm12\nvmovdqa %%ymm12, %%ymm13\n"
      "vmovd %k3, %%xmm14\nvpbroadcastd %%xmm14, %%ymm14\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5\n"
      "vpmaddubsw %%ymm13, %%ymm12, %%ymm8\nvpmaddubsw %%ymm13, %%ymm12, %%ymm9\n"
      "vpmaddubsw %%ymm13, %%ymm12, %%ymm10\nvpmaddubsw %%ymm13, %%ymm12, %%ymm11\n"
      "vpaddw %%ymm9, %%ymm8, %%ymm8\nvpaddw %%ymm11, %%ymm10, %%ymm10\nvpaddw %%ymm10, %%ymm8, %%ymm8\n"
      "vpmaddwd %%ymm14, %%ymm8, %%ymm8\nvpaddd %%ymm8, %%ymm\\to, %%ymm\\to\n"
      ".endr\n"
      "dec %0\njnz 1b\n"
      ".irp from,1,2,3,4,5\nvpaddd %%ymm\\from, %%ymm0, %%ymm0\n.endr\n"
      "vmovdqu %%ymm0, %1\nvzeroupper\n"
      : "+r"(rounds), "=m"(lanes)
      : "r"(kInt8Ones), "r"(kInt16Ones)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15");
  return sum_of(lanes);
}

/// 12 independent vpdpbusd a round, 32 multiply-adds each; in AVX-VNNI's encoding, or in AVX-512's.
template <bool evex>
__attribute__((target("avx2"))) double run_vpdpbusd_ymm(int64_t rounds) {
  int32_t lanes[8];
#define IFM_LOOP(encoding)                                                                                               \
  asm volatile(                                                                                                          \
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11\nvpxor %%ymm\\to, %%ymm\\to, %%ymm\\to\n.endr\n"                                \
      "vmovd %k2, %%xmm12\nvpbroadcastd %%xmm12, %%ymm12\nvmovdqa %%ymm12, %%ymm13\n"                                    \
      "1:\n"                                                                                                             \
      ".irp to,0,1,2,3,4,5,6,7,8,9,10,11\n" encoding                                                                     \
      " vpdpbusd %%ymm13, %%ymm12, %%ymm\\to\n.endr\n"                                                                   \
      "dec %0\njnz 1b\n"                                                                                                 \
      ".irp from,1,2,3,4,5,6,7,8,9,10,11\nvpaddd %%ymm\\from, %%ymm0, %%ymm0\n.endr\n"                                   \
      "vmovdqu %%ymm0, %1\nvzeroupper\n"                                                                                 \
      : "+r"(rounds), "=m"(lanes)                                                                                        \
      : "r"(kInt8Ones)                                                                                                   \
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
        "xmm13")
  if constexpr (evex) {
    IFM_LOOP("%{evex%}");
  } else {
    IFM_LOOP("%{vex%}");
  }
#undef IFM_LOOP
  return sum_of(lanes);
}

}  // namespace

std::vector<PeakLoop> int8_loops(std::string_view isa) {
  if ((isa.empty() || isa == "avx512") && cpu_has({"avx512f", "avx512_vnni"})) return {{"vpdpbusd zmm", 16 * 64, run_vpdpbusd}};
  const bool dots = isa.empty() || isa == "avxvnni";
  if (dots && cpu_has({"avx_vnni"})) return {{"vpdpbusd ymm", 12 * 32, run_vpdpbusd_ymm<false>}};
  if (dots && cpu_has({"avx512vl", "avx512_vnni"})) return {{"vpdpbusd ymm", 12 * 32, run_vpdpbusd_ymm<true>}};
  if (isa != "reference" && cpu_has({"avx2"})) return {{"vpmaddubsw ymm", 6 * 128, run_vpmaddubsw}};
  return {kPlainInt8Loop};
}

std::vector<PeakLoop> bf16_loops() {
  if (cpu_has({"avx512f", "avx512_bf16"})) return {{"vdpbf16ps zmm", 16 * 32, run_vdpbf16ps}};
  return {};
}

std::vector<PeakLoop> f32_loops() {
  if (cpu_has({"avx512f"})) return {{"vfmadd231ps zmm", 16 * 16, run_fma_zmm}};
  if (cpu_has({"avx2", "fma"})) return {{"vfmadd231ps ymm", 12 * 8, run_fma_ymm}};
  return {kPlainF32Loop};
}

}  // namespace ifm
