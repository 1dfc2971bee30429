#include "inferometer/cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ifm {
namespace {

using testing::HasSubstr;
using testing::Not;

Diagnosis diagnosis_of_two_cores() {
  Diagnosis out;
  out.cpu.physical_cores = 2;
  out.isa = "avx512";
  out.isas = {"avx512", "avx2", "reference"};
  out.read_gb_per_s = {20, 30};
  out.int8_peak = {{200, 400}, "int8 dots"};
  out.bf16_peak = PeakFigure{{100, 199}, "bf16 dots"};
  out.f32_peak = {{50, 98}, "f32 multiply-adds"};
  return out;
}

TEST(Doctor, PrintsThePeaksOfOneAndAllThreads) {
  const Diagnosis diagnosis = diagnosis_of_two_cores();
  const std::string table = doctor_table(diagnosis);
  EXPECT_THAT(table, HasSubstr("one thread 200 GMAC/s, 2 threads 400 GMAC/s (int8 dots)"));
  EXPECT_THAT(table, HasSubstr("one thread 100 GMAC/s, 2 threads 199 GMAC/s (bf16 dots)"));
  EXPECT_THAT(table, HasSubstr("one thread 50 GMAC/s, 2 threads 98 GMAC/s (f32 multiply-adds)"));
  const Json json = doctor_json(diagnosis);
  EXPECT_EQ(json["int8_gmac_per_s"], (Json{{"one", 200.0}, {"all", 400.0}}));
  EXPECT_EQ(json["bf16_gmac_per_s"], (Json{{"one", 100.0}, {"all", 199.0}}));
  EXPECT_EQ(json["f32_gmac_per_s"], (Json{{"one", 50.0}, {"all", 98.0}}));
}

TEST(Doctor, SaysThatAPeakIsAbsent) {
  Diagnosis diagnosis = diagnosis_of_two_cores();
  diagnosis.bf16_peak.reset();
  EXPECT_THAT(doctor_table(diagnosis), HasSubstr("absent: this processor has no bf16 dot products"));
  EXPECT_TRUE(doctor_json(diagnosis)["bf16_gmac_per_s"].is_null());
  EXPECT_THAT(doctor_table(diagnosis_of_two_cores()), Not(HasSubstr("absent")));
}

TEST(Doctor, SaysHowTheProcessorIsMadeAndWhatIsNotTold) {
  Diagnosis diagnosis = diagnosis_of_two_cores();
  diagnosis.cpu.sockets = 1;
  diagnosis.cpu.caches = "L1 2 × 32 KiB";
  diagnosis.facts.microcode = "0xa001173";
  diagnosis.state.boost = "off";
  diagnosis.unavailable = {"energy: no powercap here (virtual machine)"};
  const std::string table = doctor_table(diagnosis);
  for (const char* part : {"1 socket, unknown NUMA nodes", "L1 2 × 32 KiB", "0xa001173", "  - energy: no powercap here"})
    EXPECT_THAT(table, HasSubstr(part));
  const Json json = doctor_json(diagnosis);
  EXPECT_EQ(json["sockets"], 1);
  EXPECT_TRUE(json["numa_nodes"].is_null());
  EXPECT_EQ(json["boost"], "off");
  EXPECT_EQ(json["unavailable"].size(), 1U);
}

}  // namespace
}  // namespace ifm
