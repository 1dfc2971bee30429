#include <cstdint>
#include <span>

#include "inferometer/base/error.h"
#include "inferometer/hub/hub_estimate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const ifm::GgufHead head = ifm::GgufHead::read(std::as_bytes(std::span(data, size)), "x.gguf");
    (void)ifm::estimate_needs(head, 1'000'000'000);
  } catch (const ifm::Error&) {
    // What is refused with a message is well.
  }
  return 0;
}
