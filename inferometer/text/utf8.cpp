#include "inferometer/text/utf8.h"

#include <cstdint>

namespace ifm {
namespace {

struct Lead {
  int continuation_bytes;  // -1: can start no character
  uint8_t second_min;
  uint8_t second_max;
  uint8_t payload_mask;
};

/// Unicode 16 standard, table 3-7: which second bytes a lead byte allows.
Lead lead_of(uint8_t byte) {
  if (byte < 0x80) return {0, 0, 0, 0x7F};
  if (byte < 0xC2) return {-1, 0, 0, 0};
  if (byte < 0xE0) return {1, 0x80, 0xBF, 0x1F};
  if (byte == 0xE0) return {2, 0xA0, 0xBF, 0x0F};
  if (byte == 0xED) return {2, 0x80, 0x9F, 0x0F};
  if (byte < 0xF0) return {2, 0x80, 0xBF, 0x0F};
  if (byte == 0xF0) return {3, 0x90, 0xBF, 0x07};
  if (byte < 0xF4) return {3, 0x80, 0xBF, 0x07};
  if (byte == 0xF4) return {3, 0x80, 0x8F, 0x07};
  return {-1, 0, 0, 0};
}

}  // namespace

Utf8Char decode_utf8(std::string_view text, std::size_t position) {
  const auto first = static_cast<uint8_t>(text[position]);
  if (first < 0x80) return {first, 1, true, false};
  const Lead lead = lead_of(first);
  if (lead.continuation_bytes < 0) return {0, 1, false, false};
  char32_t code = first & lead.payload_mask;
  const auto size = static_cast<std::size_t>(lead.continuation_bytes) + 1;
  for (std::size_t i = 1; i < size; ++i) {
    if (position + i >= text.size()) return {0, i, false, true};
    const auto byte = static_cast<uint8_t>(text[position + i]);
    const uint8_t low = i == 1 ? lead.second_min : uint8_t{0x80};
    const uint8_t high = i == 1 ? lead.second_max : uint8_t{0xBF};
    if (byte < low || byte > high) return {0, i, false, false};
    code = (code << 6) | (byte & 0x3Fu);
  }
  return {code, size, true, false};
}

void append_utf8(std::string& out, char32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = 0xFFFD;
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (!c.valid) return false;
    i += c.size;
  }
  return true;
}

}  // namespace ifm
