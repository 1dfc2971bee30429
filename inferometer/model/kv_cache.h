#pragma once

#include <cstdint>

#include "inferometer/base/aligned_buffer.h"
#include "inferometer/format/model_config.h"

namespace ifm {

/// Keys and values of all evaluated positions, f16, each layer (kv_heads, capacity, head_dim). Memory is reserved at once and
/// becomes real as positions are written.
class KvCache {
 public:
  /// capacity > 0 positions. @throws Error resource when the memory cannot be had.
  KvCache(const ModelConfig& config, int64_t capacity);

  [[nodiscard]] int64_t capacity() const { return capacity_; }
  /// Positions that hold a token.
  [[nodiscard]] int64_t size() const { return size_; }
  void set_size(int64_t size) { size_ = size; }
  /// (capacity, head_dim) of one KV head.
  [[nodiscard]] uint16_t* keys(int64_t layer, int64_t head) {
    return keys_.data() + (layer * heads_ + head) * capacity_ * head_dim_;
  }
  [[nodiscard]] uint16_t* values(int64_t layer, int64_t head) {
    return values_.data() + (layer * heads_ + head) * capacity_ * head_dim_;
  }

 private:
  int64_t heads_;
  int64_t head_dim_;
  int64_t capacity_;
  int64_t size_ = 0;
  AlignedBuffer<uint16_t> keys_;
  AlignedBuffer<uint16_t> values_;
};

/// Bytes of one position over all layers.
[[nodiscard]] int64_t cache_bytes_per_position(const ModelConfig& config);

}  // namespace ifm
