#include "inferometer/text/byte_level.h"

#include <array>
#include <cstdint>

#include "inferometer/text/utf8.h"

namespace ifm {
namespace {

constexpr int kMaxWrittenCode = 0x143;

constexpr bool stands_for_itself(int byte) { return (byte > 32 && byte < 127) || (byte > 160 && byte != 173); }

constexpr std::array<uint16_t, 256> make_codes() {
  std::array<uint16_t, 256> codes{};
  uint16_t next = 256;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    codes[byte] = stands_for_itself(static_cast<int>(byte)) ? static_cast<uint16_t>(byte) : next++;
  }
  return codes;
}

constexpr std::array<uint16_t, 256> kCodes = make_codes();

constexpr std::array<int16_t, kMaxWrittenCode + 1> make_bytes() {
  std::array<int16_t, kMaxWrittenCode + 1> bytes{};
  for (int16_t& b : bytes) b = -1;
  for (std::size_t byte = 0; byte < 256; ++byte) bytes[kCodes[byte]] = static_cast<int16_t>(byte);
  return bytes;
}

constexpr std::array<int16_t, kMaxWrittenCode + 1> kBytes = make_bytes();

}  // namespace

void append_written(std::string& out, std::string_view bytes) {
  for (const char c : bytes) append_utf8(out, kCodes[static_cast<uint8_t>(c)]);
}

std::optional<std::string> bytes_of_written(std::string_view written) {
  std::string out;
  out.reserve(written.size());
  for (std::size_t i = 0; i < written.size();) {
    const Utf8Char c = decode_utf8(written, i);
    if (!c.valid || c.code > kMaxWrittenCode || kBytes[c.code] < 0) return std::nullopt;
    out.push_back(static_cast<char>(kBytes[c.code]));
    i += c.size;
  }
  return out;
}

}  // namespace ifm
