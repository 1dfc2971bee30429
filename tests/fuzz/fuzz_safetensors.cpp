#include "fuzz_file.h"
#include "inferometer/format/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz_file(data, size, "x.safetensors", [](const auto& path) { (void)ifm::Safetensors::open_file(path); });
  return 0;
}
