#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace ifm {

/// What SHA-1 and SHA-256 have in common: the message in blocks of 64 bytes, and its end. Hash: gives `state_`, 32-bit words, and
/// compress(blocks of 64 bytes, how many). Source: FIPS 180-4, 5.1.1 and 5.2.1.
template <typename Hash>
class BlockHash {
 public:
  Hash& update(std::span<const std::byte> bytes) {
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    total_bytes_ += left;
    while (left > 0) {
      if (pending_size_ == 0 && left >= kBlock) {
        const std::size_t blocks = left / kBlock;
        hash().compress(data, blocks);
        data += blocks * kBlock;
        left -= blocks * kBlock;
        continue;
      }
      const std::size_t take = std::min(left, kBlock - pending_size_);
      std::memcpy(pending_.data() + pending_size_, data, take);
      pending_size_ += take;
      data += take;
      left -= take;
      if (pending_size_ == kBlock) {
        hash().compress(pending_.data(), 1);
        pending_size_ = 0;
      }
    }
    return hash();
  }
  Hash& update(std::string_view text) { return update(std::as_bytes(std::span(text.data(), text.size()))); }

  /// Lower-case hexadecimal digest; the object must not be used afterwards.
  [[nodiscard]] std::string hex_digest() {
    const uint64_t bits = total_bytes_ * 8;
    std::array<uint8_t, kBlock + 8> tail{0x80};
    const std::size_t zeros = (pending_size_ < kBlock - 8 ? kBlock - 8 : 2 * kBlock - 8) - pending_size_;
    for (std::size_t i = 0; i < 8; ++i) tail[zeros + i] = static_cast<uint8_t>(bits >> (56 - 8 * i));
    update(std::as_bytes(std::span(tail.data(), zeros + 8)));
    std::string hex(hash().state_.size() * 8, '0');
    char* digit = hex.data();
    for (const uint32_t word : hash().state_) {
      for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        const std::array<char, 2>& two = kHex[word >> shift & 0xFFU];
        *digit++ = two[0];
        *digit++ = two[1];
      }
    }
    return hex;
  }

 private:
  static constexpr std::size_t kBlock = 64;
  /// The two digits of each byte.
  static constexpr std::array<std::array<char, 2>, 256> kHex = [] {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> hex{};
    for (std::size_t byte = 0; byte < hex.size(); ++byte) hex[byte] = {kDigits[byte / 16], kDigits[byte % 16]};
    return hex;
  }();
  Hash& hash() { return static_cast<Hash&>(*this); }
  std::array<uint8_t, kBlock> pending_{};
  std::size_t pending_size_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace ifm
