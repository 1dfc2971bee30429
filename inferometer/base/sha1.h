#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ifm {

/// Incremental SHA-1, for the names that git gives to files; no protection against people who mean harm. Source: FIPS 180-4.
class Sha1 {
 public:
  Sha1& update(std::span<const std::byte> bytes);
  Sha1& update(std::string_view text);
  /// Lower-case hexadecimal digest, 40 characters; the object must not be used afterwards.
  [[nodiscard]] std::string hex_digest();

 private:
  void compress(const uint8_t* block);
  std::array<uint32_t, 5> state_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  std::array<uint8_t, 64> pending_{};
  std::size_t pending_size_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace ifm
