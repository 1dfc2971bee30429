#include <cstdint>
#include <string_view>

#include "inferometer/base/error.h"
#include "inferometer/hub/hub_choice.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const ifm::HubListing listing = ifm::parse_hub_listing({reinterpret_cast<const char*>(data), size}, "listing");
    for (const ifm::HubFile& file : listing.files) {
      if (!ifm::is_safe_file_name(file.path)) __builtin_trap();
    }
    (void)ifm::choose_files(ifm::parse_hub_name("o/n").value(), listing);
  } catch (const ifm::Error&) {
    // What is refused with a message is well.
  }
  return 0;
}
