#include "fuzz_input.h"
#include "inferometer/format/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz_file(data, size, "config.json", [](const auto& path) { (void)ifm::read_config_json(path); });
  return 0;
}
