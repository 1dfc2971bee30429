#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ifm {

/// Small signed numbers become small unsigned ones: 0, -1, 1, -2 … → 0, 1, 2, 3 …
[[nodiscard]] constexpr uint64_t zigzag(int64_t value) {
  return std::bit_cast<uint64_t>(value) << 1U ^ (value < 0 ? ~uint64_t{0} : uint64_t{0});
}
[[nodiscard]] constexpr int64_t unzigzag(uint64_t value) {
  return std::bit_cast<int64_t>(value >> 1U ^ ((value & 1U) != 0 ? ~uint64_t{0} : uint64_t{0}));
}

/// Appends 7 bits a byte, lowest first, the top bit set on all but the last.
void append_varint(std::string& bytes, uint64_t value);

static_assert(std::endian::native == std::endian::little, "eight bytes are taken as one number");

/// Eight bytes of seven bits each, the lowest first, side by side: neighbours are joined, then pairs, then fours.
[[nodiscard]] constexpr uint64_t joined_sevens(uint64_t bytes) {
  bytes = (bytes & 0x007F007F007F007FU) | (bytes & 0x7F007F007F007F00U) >> 1U;
  bytes = (bytes & 0x00003FFF00003FFFU) | (bytes & 0x3FFF00003FFF0000U) >> 2U;
  return (bytes & 0x000000000FFFFFFFU) | (bytes & 0x0FFFFFFF00000000U) >> 4U;
}

/// Takes the rest of a varint of which `value` holds the lowest `shift` bits. @throws Error as take_varint.
[[nodiscard]] uint64_t take_rest_of_varint(std::string_view& bytes, uint64_t value, unsigned shift);

/// Takes one from the front. @throws Error invalid_data when it is cut or longer than 64 bits.
[[nodiscard]] inline uint64_t take_varint(std::string_view& bytes) {
  constexpr uint64_t kMore = 0x8080808080808080U;  // the bit that says that another byte follows, of each
  uint64_t word = 0;
  if (bytes.size() < sizeof word) return take_rest_of_varint(bytes, 0, 0);
  std::memcpy(&word, bytes.data(), sizeof word);
  const uint64_t ends = ~word & kMore;
  if (ends == 0) {
    bytes.remove_prefix(sizeof word);
    return take_rest_of_varint(bytes, joined_sevens(word), 56);
  }
  const auto size = static_cast<unsigned>(std::countr_zero(ends)) / 8 + 1;
  bytes.remove_prefix(size);
  return joined_sevens(word & (~uint64_t{0} >> (64 - 8 * size)));
}

}  // namespace ifm
