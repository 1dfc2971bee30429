#include "fuzz_input.h"
#include "inferometer/record/imported.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz([&] { (void)ifm::import_llama_bench(ifm::text_of(data, size), "bench.json"); });
  ifm::fuzz_file(data, size, "runs.json", [](const auto& path) { (void)ifm::import_latencies(path.parent_path()); });
  return 0;
}
