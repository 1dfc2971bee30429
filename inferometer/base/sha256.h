#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ifm {

/// Incremental SHA-256. Source: FIPS 180-4.
class Sha256 {
 public:
  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  /// Lower-case hexadecimal digest, 64 characters; the object must not be used afterwards.
  [[nodiscard]] std::string hex_digest();

 private:
  void compress(const uint8_t* block);
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_{};
  std::size_t pending_size_ = 0;
  uint64_t total_bytes_ = 0;
};

[[nodiscard]] std::string sha256_of(std::string_view text);
/// @throws Error not_found, io.
[[nodiscard]] std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace ifm
