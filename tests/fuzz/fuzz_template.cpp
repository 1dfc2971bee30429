#include <array>
#include <string_view>

#include "inferometer/base/error.h"
#include "inferometer/text/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const ifm::ChatTemplate chat(std::string_view(reinterpret_cast<const char*>(data), size));
    const std::array<ifm::ChatMessage, 2> messages{{{"system", "be brief"}, {"user", "hi"}}};
    (void)chat.render(messages, {});
  } catch (const ifm::Error&) {
  }
  return 0;
}
