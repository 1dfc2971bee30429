#include "inferometer/kernel/peak_loops.h"
#include "inferometer/kernel/peaks/plain.h"
#include "inferometer/machine/cpu.h"

// In assembly: compilers copy and spill accumulators of dot instructions, which halves what is measured. Dot instructions stand
// as numbers, because assemblers accept them only for processors that they were told of.
namespace ifm {
namespace {

constexpr uint32_t kInt8Ones = 0x01010101;
constexpr uint32_t kBf16Ones = 0x3f803f80;
constexpr uint32_t kF32One = 0x3f800000;

template <typename Lane>
double sum_of(const Lane (&lanes)[4]) {
  double sum = 0;
  for (const Lane lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

/// 16 independent `sdot vN.4s, v30.16b, v31.16b` a round, 16 multiply-adds each.
double run_sdot(int64_t rounds) {
  int32_t lanes[4];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nmovi v\\to\\().4s, #0\n.endr\n"
      "dup v30.4s, %w2\ndup v31.4s, %w2\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\n.inst 0x4e9f97c0 + \\to\n.endr\n"
      "subs %0, %0, #1\nb.ne 1b\n"
      ".irp from,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nadd v0.4s, v0.4s, v\\from\\().4s\n.endr\n"
      "st1 {v0.4s}, %1\n"
      : "+r"(rounds), "=Q"(lanes)
      : "r"(kInt8Ones)
      : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30",
        "v31");
  return sum_of(lanes);
}

/// 16 independent `smmla vN.4s, v30.16b, v31.16b` a round, 32 multiply-adds each.
double run_smmla(int64_t rounds) {
  int32_t lanes[4];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nmovi v\\to\\().4s, #0\n.endr\n"
      "dup v30.4s, %w2\ndup v31.4s, %w2\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\n.inst 0x4e9fa7c0 + \\to\n.endr\n"
      "subs %0, %0, #1\nb.ne 1b\n"
      ".irp from,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nadd v0.4s, v0.4s, v\\from\\().4s\n.endr\n"
      "st1 {v0.4s}, %1\n"
      : "+r"(rounds), "=Q"(lanes)
      : "r"(kInt8Ones)
      : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30",
        "v31");
  return sum_of(lanes);
}

/// Without dot instructions: smull, smlal2 and sadalp make 16 multiply-adds; 12 times a round. The 12 share a register for the
/// products: processors rename it.
double run_smull(int64_t rounds) {
  int32_t lanes[4];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19\nmovi v\\to\\().4s, #0\n.endr\n"
      "dup v30.4s, %w2\ndup v31.4s, %w2\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19\n"
      "smull v20.8h, v30.8b, v31.8b\nsmlal2 v20.8h, v30.16b, v31.16b\nsadalp v\\to\\().4s, v20.8h\n"
      ".endr\n"
      "subs %0, %0, #1\nb.ne 1b\n"
      ".irp from,1,2,3,4,5,6,7,16,17,18,19\nadd v0.4s, v0.4s, v\\from\\().4s\n.endr\n"
      "st1 {v0.4s}, %1\n"
      : "+r"(rounds), "=Q"(lanes)
      : "r"(kInt8Ones)
      : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v30", "v31");
  return sum_of(lanes);
}

/// 16 independent `bfdot vN.4s, v30.8h, v31.8h` a round, 8 multiply-adds each.
double run_bfdot(int64_t rounds) {
  float lanes[4];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nmovi v\\to\\().4s, #0\n.endr\n"
      "dup v30.4s, %w2\ndup v31.4s, %w2\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\n.inst 0x6e5fffc0 + \\to\n.endr\n"
      "subs %0, %0, #1\nb.ne 1b\n"
      ".irp from,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nfadd v0.4s, v0.4s, v\\from\\().4s\n.endr\n"
      "st1 {v0.4s}, %1\n"
      : "+r"(rounds), "=Q"(lanes)
      : "r"(kBf16Ones)
      : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30",
        "v31");
  return sum_of(lanes);
}

/// 16 independent `bfmmla vN.4s, v30.8h, v31.8h` a round, 16 multiply-adds each.
double run_bfmmla(int64_t rounds) {
  float lanes[4];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nmovi v\\to\\().4s, #0\n.endr\n"
      "dup v30.4s, %w2\ndup v31.4s, %w2\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\n.inst 0x6e5fefc0 + \\to\n.endr\n"
      "subs %0, %0, #1\nb.ne 1b\n"
      ".irp from,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nfadd v0.4s, v0.4s, v\\from\\().4s\n.endr\n"
      "st1 {v0.4s}, %1\n"
      : "+r"(rounds), "=Q"(lanes)
      : "r"(kBf16Ones)
      : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30",
        "v31");
  return sum_of(lanes);
}

/// 16 independent fmla a round, 4 multiply-adds each.
double run_fmla(int64_t rounds) {
  float lanes[4];
  asm volatile(
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nmovi v\\to\\().4s, #0\n.endr\n"
      "dup v30.4s, %w2\ndup v31.4s, %w2\n"
      "1:\n"
      ".irp to,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nfmla v\\to\\().4s, v30.4s, v31.4s\n.endr\n"
      "subs %0, %0, #1\nb.ne 1b\n"
      ".irp from,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23\nfadd v0.4s, v0.4s, v\\from\\().4s\n.endr\n"
      "st1 {v0.4s}, %1\n"
      : "+r"(rounds), "=Q"(lanes)
      : "r"(kF32One)
      : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30",
        "v31");
  return sum_of(lanes);
}

constexpr PeakLoop kSdot{"sdot", 16 * 16, run_sdot};

}  // namespace

// Processors differ in whether products of small matrices run as often as dots do: both are tried.
std::vector<PeakLoop> int8_loops(std::string_view isa) {
  const bool best = isa.empty();
  if ((best || isa == "neon_i8mm") && cpu_has({"dotprod", "i8mm"})) return {{"smmla", 16 * 32, run_smmla}, kSdot};
  if ((best || isa == "neon_i8mm" || isa == "neon_dotprod") && cpu_has({"dotprod"})) return {kSdot};
  if (isa != "reference") return {{"smull, sadalp", 12 * 16, run_smull}};
  return {kPlainInt8Loop};
}

std::vector<PeakLoop> bf16_loops() {
  if (cpu_has({"bf16"})) return {{"bfmmla", 16 * 16, run_bfmmla}, {"bfdot", 16 * 8, run_bfdot}};
  return {};
}

std::vector<PeakLoop> f32_loops() { return {{"fmla", 16 * 4, run_fmla}}; }

}  // namespace ifm
