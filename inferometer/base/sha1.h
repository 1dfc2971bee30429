#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "inferometer/base/block_hash.h"

namespace ifm {

/// Incremental SHA-1, for the names that git gives to files; no protection against people who mean harm. Source: FIPS 180-4.
class Sha1 : public BlockHash<Sha1> {
  friend class BlockHash<Sha1>;
  void compress(const uint8_t* data, std::size_t blocks);
  std::array<uint32_t, 5> state_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
};

}  // namespace ifm
