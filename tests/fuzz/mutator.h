#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

// libFuzzer's: changes up to `size` bytes of `max_size` in place and returns the new size.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace ifm {

/// The chances of one structure-aware mutation.
class Mutator {
 public:
  explicit Mutator(unsigned seed) : chance_(seed) {}

  /// 0 … count - 1.
  std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(chance_); }
  bool one_in(std::size_t count) { return below(count) == 0; }

  /// A number at an edge of what fields hold, or one beside `near`.
  uint64_t number(uint64_t near) {
    constexpr std::array<uint64_t, 24> kEdges{0,           1,           2,           3,         4,         7,
                                              8,           16,          31,          32,        33,        64,
                                              255,         256,         1U << 16U,   1U << 20U, 1U << 31U, 0xFFFFFFFF,
                                              1ULL << 32U, 1ULL << 62U, 1ULL << 63U, ~0ULL,     ~0ULL - 7, ~0ULL - 31};
    switch (below(3)) {
      case 0:
        return kEdges[below(kEdges.size())];
      case 1:
        return near + below(9) - 4;
      default:
        return below(100);
    }
  }

  /// Bytes as libFuzzer changes them, dictionary and all; they grow by 64 at most.
  std::string bytes(std::string text) {
    const std::size_t size = text.size();
    text.resize(size + 64);
    text.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(text.data()), size, text.size()));
    return text;
  }

 private:
  std::minstd_rand chance_;
};

/// Puts the result where libFuzzer wants it: its size, at most max_size.
inline std::size_t put(const std::string& result, uint8_t* data, std::size_t max_size) {
  const std::size_t size = std::min(result.size(), max_size);
  std::memcpy(data, result.data(), size);
  return size;
}

}  // namespace ifm
