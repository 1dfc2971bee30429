#include "inferometer/kernel/eights.h"

namespace ifm {
namespace {

int64_t whole_lines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

int64_t eights_bytes(int64_t n, int64_t k) { return whole_lines(n * k) + whole_lines(n * k / 2) + whole_lines(n * k / 8); }

Eights eights_in(std::byte* rounded, int64_t n, int64_t k) {
  std::byte* scale = rounded + whole_lines(n * k);
  std::byte* sum = scale + whole_lines(n * k / 2);
  return {reinterpret_cast<int8_t*>(rounded), reinterpret_cast<float*>(scale), reinterpret_cast<float*>(sum)};
}

Eights eights_in(const std::byte* rounded, int64_t n, int64_t k) { return eights_in(const_cast<std::byte*>(rounded), n, k); }

}  // namespace ifm
