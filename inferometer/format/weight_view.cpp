#include "inferometer/format/weight_view.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"

namespace ifm {
namespace {

constexpr std::pair<std::string_view, std::string_view> kOuterNames[] = {
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
};
constexpr std::pair<std::string_view, std::string_view> kLayerNames[] = {
    {"input_layernorm", "attn_norm"}, {"post_attention_layernorm", "ffn_norm"},
    {"self_attn.q_proj", "attn_q"},   {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},   {"self_attn.o_proj", "attn_output"},
    {"mlp.gate_proj", "ffn_gate"},    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};

std::optional<Packing> packing_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return Packing::f32;
    case DType::f16:
      return Packing::f16;
    case DType::bf16:
      return Packing::bf16;
    case DType::q4_0:
      return Packing::q4_0;
    case DType::q4_1:
      return Packing::q4_1;
    case DType::q8_0:
      return Packing::q8_0;
    case DType::q6_k:
      return Packing::q6_k;
    case DType::q5_0:
      return Packing::q5_0;
    case DType::q5_1:
      return Packing::q5_1;
    case DType::q4_k:
      return Packing::q4_k;
    case DType::q5_k:
      return Packing::q5_k;
    default:
      return std::nullopt;
  }
}

bool is_plain_float(DType dtype) { return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16; }

void check_shape(const TensorView& tensor, const std::vector<int64_t>& expected, const std::string& subject) {
  if (tensor.shape == expected) return;
  fail(ErrorKind::invalid_data, "{}: tensor {} has shape [{}] (expected [{}])", subject, quote(tensor.name),
       fmt::join(tensor.shape, ", "), fmt::join(expected, ", "));
}

}  // namespace

std::string gguf_weight_name(std::string_view name) {
  const auto lookup = [](const auto& table, std::string_view key) {
    const auto* found = std::find_if(std::begin(table), std::end(table), [&](const auto& pair) { return pair.first == key; });
    return found == std::end(table) ? std::string_view() : found->second;
  };
  if (const auto outer = lookup(kOuterNames, name); !outer.empty()) return std::string(outer) + ".weight";
  constexpr std::string_view kPrefix = "model.layers.";
  if (name.substr(0, kPrefix.size()) != kPrefix) return {};
  const std::string_view rest = name.substr(kPrefix.size());
  const std::size_t dot = rest.find('.');
  if (dot == 0 || dot == std::string_view::npos) return {};
  const auto inner = lookup(kLayerNames, rest.substr(dot + 1));
  return inner.empty() ? std::string() : fmt::format("blk.{}.{}.weight", rest.substr(0, dot), inner);
}

std::string upper_name(DType dtype) {
  std::string name(info(dtype).name);
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

const TensorView& required_tensor(const TensorView* tensor, const std::string& name, const std::string& subject) {
  if (tensor == nullptr) fail(ErrorKind::invalid_data, "{}: weights of {} are missing", subject, quote(name));
  return *tensor;
}

WeightMatrix plain_matrix(const TensorView& tensor, int64_t rows, int64_t cols, const std::string& subject) {
  const auto packing = packing_of(tensor.dtype);
  if (tensor.dtype == DType::u32) {
    fail(ErrorKind::invalid_data, "{}: tensor {} is packed as u32, but its scales are missing", subject, quote(tensor.name));
  }
  if (!packing) {
    fail(ErrorKind::unsupported, "{}: tensor {} has type {}, which is not supported for weights", subject, quote(tensor.name),
         upper_name(tensor.dtype));
  }
  check_shape(tensor, {rows, cols}, subject);
  WeightMatrix matrix;
  matrix.packing = *packing;
  matrix.rows = rows;
  matrix.cols = cols;
  matrix.data = tensor.bytes.data();
  matrix.row_bytes = cols / info(tensor.dtype).block_elements * info(tensor.dtype).block_bytes;
  return matrix;
}

WeightMatrix affine_matrix(const AffineParts& parts, const AffineConfig& config, int64_t rows, int64_t cols,
                           const std::string& subject) {
  const TensorView& weight = parts.weight;
  const std::string name = quote(weight.name);
  if (weight.dtype != DType::u32) {
    fail(ErrorKind::invalid_data, "{}: tensor {} has scales or biases, but dtype {} (expected u32)", subject, name,
         info(weight.dtype).name);
  }
  if (parts.scales == nullptr) fail(ErrorKind::invalid_data, "{}: tensor {} has no scales", subject, name);
  if (parts.biases == nullptr) fail(ErrorKind::invalid_data, "{}: tensor {} has no biases", subject, name);
  if (cols % config.group != 0) {
    fail(ErrorKind::invalid_data, "{}: tensor {} has {} columns (expected a multiple of the group size {})", subject, name, cols,
         config.group);
  }
  check_shape(weight, {rows, cols * config.bits / 32}, fmt::format("{}: {} bits", subject, config.bits));
  check_shape(*parts.scales, {rows, cols / config.group}, subject);
  check_shape(*parts.biases, {rows, cols / config.group}, subject);
  const DType dtype = parts.scales->dtype;
  if (!is_plain_float(dtype) || parts.biases->dtype != dtype) {
    fail(ErrorKind::invalid_data, "{}: tensor {} has scales in {} and biases in {} (expected both f16, bf16 or f32)", subject,
         name, info(dtype).name, info(parts.biases->dtype).name);
  }
  WeightMatrix matrix;
  matrix.packing = config.bits == 4 ? Packing::affine4 : Packing::affine8;
  matrix.rows = rows;
  matrix.cols = cols;
  matrix.group = config.group;
  matrix.scale_dtype = dtype;
  matrix.data = weight.bytes.data();
  matrix.scales = parts.scales->bytes.data();
  matrix.biases = parts.biases->bytes.data();
  matrix.row_bytes = cols * config.bits / 8;
  return matrix;
}

std::vector<float> vector_of(const TensorView& tensor, int64_t size, const std::string& subject) {
  if (!is_plain_float(tensor.dtype)) {
    fail(ErrorKind::unsupported, "{}: tensor {} has type {} (expected F32, F16 or BF16)", subject, quote(tensor.name),
         upper_name(tensor.dtype));
  }
  check_shape(tensor, {size}, subject);
  TensorView row = tensor;
  row.shape = {1, size};
  const WeightMatrix matrix = plain_matrix(row, 1, size, subject);
  std::vector<float> values(static_cast<std::size_t>(size));
  dequantize_row(matrix, 0, values.data());
  return values;
}

}  // namespace ifm
