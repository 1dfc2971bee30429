#include <span>

#include "fuzz_input.h"
#include "inferometer/format/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz([&] { (void)ifm::parse_safetensors(std::as_bytes(std::span(data, size)), "x.safetensors"); });
  return 0;
}
