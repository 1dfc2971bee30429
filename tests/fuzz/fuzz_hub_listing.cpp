#include "fuzz_input.h"
#include "inferometer/hub/hub_choice.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz([&] {
    const ifm::HubListing listing = ifm::parse_hub_listing(ifm::text_of(data, size), "listing");
    for (const ifm::HubFile& file : listing.files) {
      if (!ifm::is_safe_file_name(file.path)) __builtin_trap();
    }
    (void)ifm::choose_files(ifm::parse_hub_name("o/n").value(), listing);
  });
  return 0;
}
