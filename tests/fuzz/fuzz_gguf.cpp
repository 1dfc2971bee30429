#include "fuzz_input.h"
#include "inferometer/format/gguf.h"
#include "inferometer/format/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz_file(data, size, "x.gguf", [](const auto& path) { (void)ifm::read_gguf_config(ifm::GgufFile::open(path)); });
  return 0;
}
