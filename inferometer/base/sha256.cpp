#include "inferometer/base/sha256.h"

#include <bit>

#include "inferometer/base/mapped_file.h"
#include "inferometer/base/sha256_round.h"
#include "inferometer/base/sha256_x86.h"

namespace ifm {
namespace {

void compress_block(std::array<uint32_t, 8>& state, const uint8_t* block) {
  std::array<uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = static_cast<uint32_t>(block[4 * i]) << 24 | static_cast<uint32_t>(block[4 * i + 1]) << 16 |
           static_cast<uint32_t>(block[4 * i + 2]) << 8 | static_cast<uint32_t>(block[4 * i + 3]);
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kSha256Round[i] + w[i];
    const uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::array<uint32_t, 8> add{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state[i] += add[i];
}

}  // namespace

void sha256_compress(std::array<uint32_t, 8>& state, const uint8_t* data, std::size_t blocks) {
  for (std::size_t i = 0; i < blocks; ++i) compress_block(state, data + 64 * i);
}

void Sha256::compress(const uint8_t* data, std::size_t blocks) {
  static const bool in_hardware = sha256_x86::available();
  if (in_hardware) return sha256_x86::compress(state_.data(), data, blocks);
  sha256_compress(state_, data, blocks);
}

std::string sha256_of(std::string_view text) { return Sha256().update(text).hex_digest(); }

std::string sha256_of_file(const std::filesystem::path& path) { return Sha256().update(MappedFile(path).bytes()).hex_digest(); }

}  // namespace ifm
