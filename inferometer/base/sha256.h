#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "inferometer/base/block_hash.h"

namespace ifm {

/// Incremental SHA-256, by the processor's own instructions where it has them. Source: FIPS 180-4.
class Sha256 : public BlockHash<Sha256> {
  friend class BlockHash<Sha256>;
  void compress(const uint8_t* data, std::size_t blocks);
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

/// Takes blocks of 64 bytes into the state, in plain code: the definition, and what is used where there are no instructions for
/// it.
void sha256_compress(std::array<uint32_t, 8>& state, const uint8_t* data, std::size_t blocks);

[[nodiscard]] std::string sha256_of(std::string_view text);
/// @throws Error not_found, io.
[[nodiscard]] std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace ifm
