// What a row of a results file says once its checksum fits: anyone can make a checksum. The first byte chooses the column.
#include "fuzz_input.h"
#include "inferometer/record/run_row.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = ifm::text_of(data + 1, size - 1);
  ifm::fuzz([&] {
    if (data[0] % 2 == 0)
      (void)ifm::run_from_packed_level(bytes, [] { return std::string("run 1"); });
    else
      (void)ifm::unpack_stamps(bytes);
  });
  return 0;
}
