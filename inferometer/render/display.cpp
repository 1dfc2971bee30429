#include "inferometer/render/display.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ifm {
namespace {

using Range = std::pair<uint32_t, uint32_t>;

/// Blocks of marks that add no column (not every one that Unicode has: those that names and prompts meet).
constexpr std::array<Range, 10> kZeroWidth{{{0x0300, 0x036F},
                                            {0x0483, 0x0489},
                                            {0x0591, 0x05BD},
                                            {0x0610, 0x061A},
                                            {0x064B, 0x065F},
                                            {0x1AB0, 0x1AFF},
                                            {0x200B, 0x200F},
                                            {0x20D0, 0x20FF},
                                            {0xFE00, 0xFE0F},
                                            {0xFE20, 0xFE2F}}};
/// Blocks of East Asian Width W and F (Unicode TR 11) and emoji.
constexpr std::array<Range, 11> kWide{{{0x1100, 0x115F},
                                       {0x2E80, 0x303E},
                                       {0x3041, 0x33FF},
                                       {0x3400, 0x4DBF},
                                       {0x4E00, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0x1F300, 0x1FAFF},
                                       {0x20000, 0x3FFFD}}};

template <size_t N>
bool in_any(const std::array<Range, N>& ranges, uint32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [code](const Range& r) { return code >= r.first && code <= r.second; });
}

}  // namespace

DisplayChar first_display_char(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  constexpr std::array<uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {lead, 1, false};
  uint32_t code = lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {lead, 1, false};
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[length] || code > 0x10FFFF || surrogate) return {lead, 1, false};
  return {code, length, true};
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const DisplayChar c = first_display_char(text);
    text.remove_prefix(c.length);
    width += in_any(kZeroWidth, c.code) ? 0 : in_any(kWide, c.code) ? 2 : 1;
  }
  return width;
}

}  // namespace ifm
