#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ifm {

/// Element types of safetensors and tensor types of GGUF that we hold; blocked types count in blocks along the last axis.
enum class DType {
  f64,
  f32,
  f16,
  bf16,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8,
  boolean,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k
};

/// What a type is made of: `block_elements` elements in `block_bytes` bytes (1 element for the plain types).
struct DTypeInfo {
  std::string_view name;  ///< as we print it: "f16", "q4_1"
  int block_elements = 1;
  int block_bytes = 0;
};

[[nodiscard]] const DTypeInfo& info(DType dtype);

/// IEEE half and bfloat16 to float, exact. Portable; kernels have their own.
[[nodiscard]] float f16_to_f32(uint16_t bits);
[[nodiscard]] float bf16_to_f32(uint16_t bits);
/// Round to nearest even; overflow becomes infinity, NaN stays NaN.
[[nodiscard]] uint16_t f32_to_f16(float value);
[[nodiscard]] uint16_t f32_to_bf16(float value);

}  // namespace ifm
