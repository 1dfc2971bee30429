#include "inferometer/tensor/dtype.h"

#include <array>
#include <bit>
#include <cmath>

#include "inferometer/base/check.h"

namespace ifm {
namespace {

// In the order of DType.
constexpr std::array<DTypeInfo, 23> kInfos = {{
    {"f64", 1, 8},     {"f32", 1, 4},      {"f16", 1, 2},      {"bf16", 1, 2},     {"i64", 1, 8},      {"i32", 1, 4},
    {"i16", 1, 2},     {"i8", 1, 1},       {"u64", 1, 8},      {"u32", 1, 4},      {"u16", 1, 2},      {"u8", 1, 1},
    {"bool", 1, 1},    {"q4_0", 32, 18},   {"q4_1", 32, 20},   {"q5_0", 32, 22},   {"q5_1", 32, 24},   {"q8_0", 32, 34},
    {"q2_k", 256, 84}, {"q3_k", 256, 110}, {"q4_k", 256, 144}, {"q5_k", 256, 176}, {"q6_k", 256, 210},
}};
static_assert(kInfos.size() == static_cast<std::size_t>(DType::q6_k) + 1);

// Shifts right by `shift` bits (1 to 31), rounding to nearest, ties to even.
uint32_t shift_rounded(uint32_t value, int shift) {
  const uint32_t half = 1U << (shift - 1);
  const uint32_t rest = value & ((half << 1) - 1);
  const uint32_t result = value >> shift;
  return result + ((rest > half || (rest == half && (result & 1U) != 0)) ? 1U : 0U);
}

}  // namespace

const DTypeInfo& info(DType dtype) {
  const auto index = static_cast<std::size_t>(dtype);
  IFM_CHECK(index < kInfos.size());
  return kInfos[index];
}

float f16_to_f32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1FU;
  const uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  const uint32_t wide = exponent == 31 ? 0xFFU : exponent + 112U;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

float bf16_to_f32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t f32_to_f16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000U;
  const uint32_t exponent = (bits >> 23) & 0xFFU;
  const uint32_t mantissa = bits & 0x7FFFFFU;
  uint32_t magnitude = 0;
  if (exponent == 255) {
    magnitude = mantissa == 0 ? 0x7C00U : 0x7E00U | (mantissa >> 13);
  } else if (exponent >= 143) {  // 2^16 and more
    magnitude = 0x7C00U;
  } else if (exponent >= 113) {  // normal: a carry out of the mantissa rightly steps the exponent, up to infinity
    magnitude = shift_rounded(((exponent - 112U) << 23) | mantissa, 13);
  } else if (exponent >= 102) {  // subnormal, in units of 2^-24
    magnitude = shift_rounded(0x800000U | mantissa, static_cast<int>(126U - exponent));
  }
  return static_cast<uint16_t>(sign | magnitude);
}

uint16_t f32_to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>(shift_rounded(bits, 16));
}

}  // namespace ifm
