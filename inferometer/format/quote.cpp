#include "inferometer/format/quote.h"

#include <fmt/format.h>

namespace ifm {

std::string quote(std::string_view text) {
  constexpr std::size_t kMaxBytes = 80;
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  out += text.size() > kMaxBytes ? "\"…" : "\"";
  return out;
}

}  // namespace ifm
