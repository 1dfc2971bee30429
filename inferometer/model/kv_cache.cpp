#include "inferometer/model/kv_cache.h"

#include "inferometer/base/check.h"

namespace ifm {

KvCache::KvCache(const ModelConfig& config, int64_t capacity)
    : heads_(config.kv_heads),
      head_dim_(config.head_dim),
      capacity_(capacity),
      keys_(config.layers * config.kv_heads * capacity * config.head_dim),
      values_(config.layers * config.kv_heads * capacity * config.head_dim) {
  IFM_CHECK(capacity > 0);
}

int64_t cache_bytes_per_position(const ModelConfig& config) { return 2 * config.layers * config.kv_heads * config.head_dim * 2; }

}  // namespace ifm
