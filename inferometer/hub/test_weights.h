#pragma once

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/format/checkpoint.h"
#include "inferometer/hub/gguf_names.h"
#include "inferometer/hub/repack.h"

namespace ifm {

/// Calls each(name, rows, cols) for every matrix of the model.
template <typename Each>
void for_each_matrix(const ModelConfig& config, const Each& each) {
  const int64_t q_rows = config.heads * config.head_dim;
  const int64_t kv_rows = config.kv_heads * config.head_dim;
  each(std::string("model.embed_tokens"), config.vocab, config.hidden);
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    each(layer + "self_attn.q_proj", q_rows, config.hidden);
    each(layer + "self_attn.k_proj", kv_rows, config.hidden);
    each(layer + "self_attn.v_proj", kv_rows, config.hidden);
    each(layer + "self_attn.o_proj", config.hidden, q_rows);
    each(layer + "mlp.gate_proj", config.intermediate, config.hidden);
    each(layer + "mlp.up_proj", config.intermediate, config.hidden);
    each(layer + "mlp.down_proj", config.hidden, config.intermediate);
  }
}

/// Every weight bit for bit, rows in GGUF's order or not.
inline void expect_same_weights(const Checkpoint& gguf, const Checkpoint& mlx) {
  const ModelConfig& config = mlx.config();
  for_each_matrix(config, [&](const std::string& name, int64_t rows, int64_t cols) {
    const WeightMatrix theirs = gguf.matrix(name, rows, cols);
    const WeightMatrix ours = mlx.matrix(name, rows, cols);
    const bool permuted = gguf.config().rope.interleaved && has_permuted_rows(name);
    const RowOrder order{permuted ? config.head_dim : 0};
    std::vector<float> expected(static_cast<std::size_t>(cols));
    std::vector<float> found(expected.size());
    for (int64_t row = 0; row < rows; ++row) {
      dequantize_row(theirs, order.source(row), expected.data());
      dequantize_row(ours, row, found.data());
      ASSERT_EQ(std::memcmp(expected.data(), found.data(), expected.size() * sizeof(float)), 0) << name << " row " << row;
    }
  });
  for (const char* name : {"model.norm", "model.layers.1.input_layernorm", "model.layers.2.post_attention_layernorm"}) {
    EXPECT_EQ(gguf.vector(name, config.hidden), mlx.vector(name, config.hidden)) << name;
  }
}

}  // namespace ifm
