#include "inferometer/hub/hub_estimate.h"

#include <algorithm>

namespace ifm {
namespace {

constexpr int64_t kUsualContext = 4096;
constexpr int64_t kCacheElementBytes = 2;  // f16

int64_t cache_bytes(int64_t layers, int64_t kv_heads, int64_t head_dim, int64_t context) {
  return 2 * layers * kv_heads * head_dim * kCacheElementBytes * context;
}

}  // namespace

HubEstimate estimate_needs(const ModelConfig& config, int64_t weight_bytes) {
  const auto hidden = static_cast<double>(config.hidden);
  const double heads = static_cast<double>(config.heads + config.kv_heads) * 2 * static_cast<double>(config.head_dim);
  const double layer = hidden * heads + 3 * hidden * static_cast<double>(config.intermediate);
  const double table = hidden * static_cast<double>(config.vocab);
  const double all = static_cast<double>(config.layers) * layer + table * (config.tied_head ? 1 : 2);
  const double read = config.tied_head ? all : all - table;
  HubEstimate estimate;
  estimate.context = std::min(kUsualContext, config.context);
  estimate.memory_bytes = weight_bytes + cache_bytes(config.layers, config.kv_heads, config.head_dim, estimate.context);
  estimate.bytes_per_token = static_cast<int64_t>(static_cast<double>(weight_bytes) * read / all);
  return estimate;
}

std::optional<HubEstimate> estimate_needs(const GgufHead& head, int64_t file_bytes) {
  constexpr int64_t kMostLayers = 1 << 12;  // beyond any model: what a product below would wrap with is no estimate
  constexpr int64_t kMostWidth = 1 << 20;
  const auto layers = head.number("block_count");
  const auto heads = head.number("attention.head_count");
  const auto hidden = head.number("embedding_length");
  const auto context = head.number("context_length");
  if (!layers || !heads || !hidden || !context || *heads < 1 || *layers > kMostLayers) return std::nullopt;
  const int64_t kv_heads = head.number("attention.head_count_kv").value_or(*heads);
  const int64_t head_dim = head.number("attention.key_length").value_or(*hidden / *heads);
  if (kv_heads > kMostLayers || head_dim > kMostWidth) return std::nullopt;
  HubEstimate estimate;
  estimate.context = std::min(kUsualContext, *context);
  estimate.memory_bytes = file_bytes + cache_bytes(*layers, kv_heads, head_dim, estimate.context);
  estimate.bytes_per_token = file_bytes;
  return estimate;
}

}  // namespace ifm
