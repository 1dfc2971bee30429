#include "inferometer/record/varint.h"

#include <bit>
#include <cstring>

#include "inferometer/base/error.h"

namespace ifm {

static_assert(std::endian::native == std::endian::little, "eight bytes are taken as one number");

void append_varint(std::string& bytes, uint64_t value) {
  while (value >= 0x80) {
    bytes += static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  bytes += static_cast<char>(value);
}

namespace {

/// Eight bytes of seven bits each, the lowest first, side by side: neighbours are joined, then pairs, then fours.
uint64_t joined(uint64_t bytes) {
  bytes = (bytes & 0x007F007F007F007FU) | (bytes & 0x7F007F007F007F00U) >> 1U;
  bytes = (bytes & 0x00003FFF00003FFFU) | (bytes & 0x3FFF00003FFF0000U) >> 2U;
  return (bytes & 0x000000000FFFFFFFU) | (bytes & 0x0FFFFFFF00000000U) >> 4U;
}

constexpr uint64_t kMore = 0x8080808080808080U;  ///< the bit that says that another byte follows, of each

}  // namespace

uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  unsigned shift = 0;
  if (bytes.size() >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    if (const uint64_t ends = ~word & kMore; ends != 0) {
      const auto size = static_cast<unsigned>(std::countr_zero(ends)) / 8 + 1;
      bytes.remove_prefix(size);
      return joined(word & (~uint64_t{0} >> (64 - 8 * size)));
    }
    value = joined(word);
    shift = 56;
    bytes.remove_prefix(sizeof word);
  }
  for (; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (shift == 63 && byte > 1) break;
    value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  fail(ErrorKind::invalid_data, "varint: cut or longer than 64 bits");
}

}  // namespace ifm
