#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ifm {

/// The exclusive or of all 64-bit words of `bytes` (whole blocks of 256 bytes), read in ascending order.
[[nodiscard]] uint64_t xor_in_order(std::span<const std::byte> bytes);

/// The same of whole blocks of 512 bytes, read as two ascending streams: the first half beside the second.
[[nodiscard]] uint64_t xor_of_halves(std::span<const std::byte> bytes);

}  // namespace ifm
