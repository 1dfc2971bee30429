#include "inferometer/format/ggml_type.h"

#include <iterator>

namespace ifm {
namespace {

// By number; an empty name marks a number that is not in use.
constexpr GgmlType kTypes[] = {
    {"F32", DType::f32},
    {"F16", DType::f16},
    {"Q4_0", DType::q4_0},
    {"Q4_1", DType::q4_1},
    {"", {}},
    {"", {}},
    {"Q5_0", DType::q5_0},
    {"Q5_1", DType::q5_1},
    {"Q8_0", DType::q8_0},
    {"Q8_1", std::nullopt},
    {"Q2_K", DType::q2_k},
    {"Q3_K", DType::q3_k},
    {"Q4_K", DType::q4_k},
    {"Q5_K", DType::q5_k},
    {"Q6_K", DType::q6_k},
    {"Q8_K", std::nullopt},
    {"IQ2_XXS", std::nullopt},
    {"IQ2_XS", std::nullopt},
    {"IQ3_XXS", std::nullopt},
    {"IQ1_S", std::nullopt},
    {"IQ4_NL", std::nullopt},
    {"IQ3_S", std::nullopt},
    {"IQ2_S", std::nullopt},
    {"IQ4_XS", std::nullopt},
    {"I8", DType::i8},
    {"I16", DType::i16},
    {"I32", DType::i32},
    {"I64", DType::i64},
    {"F64", DType::f64},
    {"IQ1_M", std::nullopt},
    {"BF16", DType::bf16},
    {"", {}},
    {"", {}},
    {"", {}},
    {"TQ1_0", std::nullopt},
    {"TQ2_0", std::nullopt},
    {"", {}},
    {"", {}},
    {"", {}},
    {"MXFP4", std::nullopt},
    {"NVFP4", std::nullopt},
    {"Q1_0", std::nullopt},
};
constexpr uint32_t kTypeCount = std::size(kTypes);
static_assert(kTypeCount == 42);

}  // namespace

const GgmlType* ggml_type(uint32_t id) {
  if (id >= kTypeCount || kTypes[id].name.empty()) return nullptr;
  return &kTypes[id];
}

std::optional<uint32_t> ggml_type_id(DType dtype) {
  for (uint32_t id = 0; id < kTypeCount; ++id) {
    if (kTypes[id].dtype == dtype) return id;
  }
  return std::nullopt;
}

}  // namespace ifm
