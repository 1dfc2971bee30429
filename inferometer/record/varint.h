#pragma once

#include <bit>
#include <cstdint>
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
/// Takes one from the front. @throws Error invalid_data when it is cut or longer than 64 bits.
[[nodiscard]] uint64_t take_varint(std::string_view& bytes);

}  // namespace ifm
