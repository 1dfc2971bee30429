#include <string_view>

#include "inferometer/base/error.h"
#include "inferometer/record/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    // Prompt files are looked for where there are none.
    (void)ifm::parse_plan(std::string_view(reinterpret_cast<const char*>(data), size), "plan.yaml", "/nonexistent");
  } catch (const ifm::Error&) {
  }
  return 0;
}
