#include <span>

#include "fuzz_input.h"
#include "inferometer/hub/hub_estimate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz([&] {
    const ifm::GgufHead head = ifm::GgufHead::read(std::as_bytes(std::span(data, size)), "x.gguf");
    (void)ifm::estimate_needs(head, 1'000'000'000);
  });
  return 0;
}
