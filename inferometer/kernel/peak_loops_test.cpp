#include "inferometer/kernel/peak_loops.h"

#include <algorithm>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "inferometer/kernel/kernels.h"
#include "inferometer/machine/cpu.h"

namespace ifm {
namespace {

std::vector<PeakLoop> all_loops() {
  std::vector<PeakLoop> all = int8_loops("");
  const auto add = [&](const std::vector<PeakLoop>& loops) { all.insert(all.end(), loops.begin(), loops.end()); };
  for (const std::string& isa : available_isas()) add(int8_loops(isa));
  add(bf16_loops());
  add(f32_loops());
  return all;
}

// Every factor is 1. Under emulation and on every processor: an instruction that is not there would end the program.
TEST(PeakLoops, MultiplyAsOftenAsTheySay) {
  for (const PeakLoop& loop : all_loops()) {
    for (const int64_t rounds : {1, 2, 1000}) {
      EXPECT_EQ(loop.run(rounds), static_cast<double>(loop.macs_per_round * rounds)) << loop.instruction;
    }
  }
}

TEST(PeakLoops, AWeakerSetHasItsOwnInt8Loop) {
  const std::vector<std::string> isas = available_isas();
  const auto instruction = [](std::string_view isa) { return int8_loops(isa).front().instruction; };
  EXPECT_EQ(instruction("reference"), "plain code");
  for (const auto& [isa, expected] :
       {std::pair{"avx2", "vpmaddubsw ymm"}, std::pair{"avxvnni", "vpdpbusd ymm"}, std::pair{"avx512", "vpdpbusd zmm"},
        std::pair{"neon", "smull, sadalp"}, std::pair{"neon_dotprod", "sdot"}, std::pair{"neon_i8mm", "smmla"}}) {
    if (std::ranges::find(isas, isa) == isas.end()) continue;
    EXPECT_EQ(instruction(isa), expected) << isa;
  }
}

TEST(PeakLoops, Bf16IsThereWhereTheProcessorSaysSo) {
  EXPECT_EQ(!bf16_loops().empty(), cpu_has({"avx512_bf16"}) || cpu_has({"bf16"}));
}

}  // namespace
}  // namespace ifm
