#include <array>

#include "fuzz_input.h"
#include "inferometer/text/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ifm::fuzz([&] {
    const ifm::ChatTemplate chat(ifm::text_of(data, size));
    const std::array<ifm::ChatMessage, 2> messages{{{"system", "be brief"}, {"user", "hi"}}};
    (void)chat.render(messages, {});
  });
  return 0;
}
