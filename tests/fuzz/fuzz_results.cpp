// A results file that is opened and read whole, as `analyze` does.
#include "fuzz_input.h"
#include "inferometer/record/store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz_file(data, size, "inferometer.db", [](const auto& path) {
    const ifm::Store store(path, ifm::Store::Access::read);
    for (const int64_t id : store.sessions()) {
      ifm::fuzz([&] { (void)store.session(id); });
      ifm::fuzz([&] { (void)store.blocks(id); });
      ifm::fuzz([&] { (void)store.readable_runs(id); });
      ifm::fuzz([&] { store.visit_runs(id, ifm::RunDetail::without_tokens, [](ifm::Run&&) {}); });
    }
  });
  return 0;
}
