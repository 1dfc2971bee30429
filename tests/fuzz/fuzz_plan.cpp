#include "fuzz_input.h"
#include "inferometer/record/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Prompt files are looked for where there are none.
  ifm::fuzz([&] { (void)ifm::parse_plan(ifm::text_of(data, size), "plan.yaml", "/nonexistent"); });
  return 0;
}
