#include "inferometer/model/llama.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "inferometer/base/check.h"

namespace ifm {
namespace {

/// Tokens that pass through the layers together; longer prompts come in pieces.
constexpr int64_t kBatch = 512;
/// Shorter pieces of a prompt are evaluated as decode steps are: a prefill product works on this many tokens at least.
constexpr int64_t kPrefillTokens = 4;
/// Positions whose logits are computed together.
constexpr int64_t kHeadBatch = 32;

}  // namespace

Llama::Llama(const Checkpoint& checkpoint, const Kernels& kernels, ThreadPool& pool, Accuracy accuracy)
    : config_(checkpoint.config()), kernels_(kernels), pool_(pool), accuracy_(accuracy), rope_(config_.rope, config_.head_dim) {
  embedding_ = checkpoint.matrix("model.embed_tokens", config_.vocab, config_.hidden);
  head_ = config_.tied_head ? embedding_ : checkpoint.matrix("lm_head", config_.vocab, config_.hidden);
  final_norm_ = checkpoint.vector("model.norm", config_.hidden);
  const int64_t q_rows = config_.heads * config_.head_dim;
  const int64_t kv_rows = config_.kv_heads * config_.head_dim;
  for (int64_t i = 0; i < config_.layers; ++i) {
    const std::string name = fmt::format("model.layers.{}.", i);
    layers_.push_back({.attention_norm = checkpoint.vector(name + "input_layernorm", config_.hidden),
                       .mlp_norm = checkpoint.vector(name + "post_attention_layernorm", config_.hidden),
                       .q = checkpoint.matrix(name + "self_attn.q_proj", q_rows, config_.hidden),
                       .k = checkpoint.matrix(name + "self_attn.k_proj", kv_rows, config_.hidden),
                       .v = checkpoint.matrix(name + "self_attn.v_proj", kv_rows, config_.hidden),
                       .o = checkpoint.matrix(name + "self_attn.o_proj", config_.hidden, q_rows),
                       .gate = checkpoint.matrix(name + "mlp.gate_proj", config_.intermediate, config_.hidden),
                       .up = checkpoint.matrix(name + "mlp.up_proj", config_.intermediate, config_.hidden),
                       .down = checkpoint.matrix(name + "mlp.down_proj", config_.hidden, config_.intermediate)});
  }
  for (const Phase phase : {Phase::decode, Phase::prefill}) {
    for (const WeightMatrix* w : all_matrices()) {
      const Rounding* rounding = product(kernels, accuracy, phase, w->packing).rounding;
      if (rounding == nullptr || std::ranges::find(rounded_, rounding, &Rounded::rounding) != rounded_.end()) continue;
      rounded_.push_back({.rounding = rounding, .bytes = {}});
    }
  }
  logits_ = AlignedBuffer<float>(config_.vocab);
  reserve(1);
}

std::vector<const WeightMatrix*> Llama::all_matrices() const {
  std::vector<const WeightMatrix*> all{&head_};
  for (const Layer& layer : layers_) {
    for (const WeightMatrix* w : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) all.push_back(w);
  }
  return all;
}

int64_t Llama::bytes_per_token() const {
  int64_t bytes = (1 + 2 * config_.layers) * 4 * config_.hidden;  // norms
  if (head_.data != embedding_.data) bytes += bytes_of(embedding_) / config_.vocab;
  for (const WeightMatrix* w : all_matrices()) bytes += bytes_of(*w);
  return bytes;
}

int64_t Llama::layer_macs() const {
  const int64_t q_rows = config_.heads * config_.head_dim;
  const int64_t kv_rows = config_.kv_heads * config_.head_dim;
  return config_.layers * config_.hidden * (2 * q_rows + 2 * kv_rows + 3 * config_.intermediate);
}

void Llama::reserve(int64_t tokens) {
  if (tokens <= reserved_) return;
  const int64_t q_width = config_.heads * config_.head_dim;
  const int64_t kv_width = config_.kv_heads * config_.head_dim;
  const int64_t widest = std::max({config_.hidden, config_.intermediate, q_width});
  x_ = AlignedBuffer<float>(tokens * config_.hidden);
  normed_ = AlignedBuffer<float>(tokens * config_.hidden);
  projected_ = AlignedBuffer<float>(tokens * config_.hidden);
  q_ = AlignedBuffer<float>(tokens * q_width);
  attended_ = AlignedBuffer<float>(tokens * q_width);
  k_ = AlignedBuffer<float>(tokens * kv_width);
  v_ = AlignedBuffer<float>(tokens * kv_width);
  gate_ = AlignedBuffer<float>(tokens * config_.intermediate);
  up_ = AlignedBuffer<float>(tokens * config_.intermediate);
  cos_ = AlignedBuffer<float>(tokens * config_.head_dim / 2);
  sin_ = AlignedBuffer<float>(tokens * config_.head_dim / 2);
  for (Rounded& rounded : rounded_) rounded.bytes = AlignedBuffer<std::byte>(rounded.rounding->bytes(tokens, widest));
  const int64_t attention_bytes = 4 * attention_scratch_floats(config_.heads / config_.kv_heads, config_.head_dim);
  scratch_.clear();
  for (int i = 0; i < pool_.size(); ++i) scratch_.emplace_back(std::max(matmul_scratch_bytes(tokens, widest), attention_bytes));
  reserved_ = tokens;
}

const std::byte* Llama::rounded_for(const Product& product) const {
  const auto found = std::ranges::find(rounded_, product.rounding, &Rounded::rounding);
  return found == rounded_.end() ? nullptr : found->bytes.data();
}

void Llama::set_input(const float* x, int64_t n, int64_t k, std::span<const WeightMatrix* const> users) {
  input_ = x;
  input_k_ = k;
  for (Rounded& to : rounded_) {
    if (std::ranges::none_of(users, [&](const WeightMatrix* w) { return product_of(*w).rounding == to.rounding; })) continue;
    pool_.for_parts(n, kRoundedTokens,
                    [&](int, int64_t begin, int64_t end) { to.rounding->round(x, n, k, begin, end, to.bytes.data()); });
  }
}

void Llama::multiply(std::span<const Output> outputs, int64_t n) {
  int64_t rows = 0;
  for (const Output& output : outputs) rows += output.weights->rows;
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    int64_t first = 0;
    for (const Output& output : outputs) {
      const WeightMatrix& w = *output.weights;
      const Product& product = product_of(w);
      const Activations x{n, input_k_, input_, rounded_for(product)};
      MatmulTask task{.weights = &w, .x = &x, .out = output.out, .out_stride = output.out_stride};
      task.row_begin = std::clamp<int64_t>(begin - first, 0, w.rows);
      task.row_end = std::clamp<int64_t>(end - first, 0, w.rows);
      task.scratch = scratch_[static_cast<std::size_t>(thread)].data();
      first += w.rows;
      if (task.row_begin == task.row_end) continue;
      for (task.token_begin = 0; task.token_begin < n; task.token_begin = task.token_end) {
        task.token_end = task.token_begin + std::min(n - task.token_begin, product.tokens);
        product.multiply(task);
      }
    }
  };
  // One token: each thread streams through a contiguous half of the weights. Many: small chunks, as threads become free.
  if (n == 1) {
    pool_.for_parts(rows, 2, part);
  } else {
    pool_.for_chunks(rows, kMatmulRows, part);
  }
}

void Llama::norm(const float* x, const std::vector<float>& weight, int64_t n, float* out) {
  for (int64_t t = 0; t < n; ++t) {
    kernels_.rms_norm(x + t * config_.hidden, weight.data(), config_.hidden, config_.norm_eps, out + t * config_.hidden);
  }
}

void Llama::rotate_and_store(int64_t layer, int64_t n, KvCache& cache) {
  const int64_t d = config_.head_dim;
  pool_.for_parts(n, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const float* cos = cos_.data() + t * d / 2;
      const float* sin = sin_.data() + t * d / 2;
      kernels_.rope(q_.data() + t * config_.heads * d, config_.heads, d, cos, sin, config_.rope.interleaved);
      float* k = k_.data() + t * config_.kv_heads * d;
      kernels_.rope(k, config_.kv_heads, d, cos, sin, config_.rope.interleaved);
      for (int64_t h = 0; h < config_.kv_heads; ++h) {
        kernels_.to_f16(k + h * d, d, cache.keys(layer, h) + (cache.size() + t) * d);
        kernels_.to_f16(v_.data() + (t * config_.kv_heads + h) * d, d, cache.values(layer, h) + (cache.size() + t) * d);
      }
    }
  });
}

void Llama::attend(int64_t layer, int64_t n, KvCache& cache) {
  const int64_t group = config_.heads / config_.kv_heads;
  const int64_t blocks = (n + kAttentionTokens - 1) / kAttentionTokens;
  pool_.for_chunks(blocks * config_.kv_heads, 1, [&](int thread, int64_t item, int64_t) {
    const int64_t head = item % config_.kv_heads;
    const int64_t block = blocks - 1 - item / config_.kv_heads;  // the longest first, so that threads end together
    AttentionTask task{.q = q_.data(), .k = cache.keys(layer, head), .v = cache.values(layer, head), .out = attended_.data()};
    task.heads = config_.heads;
    task.head_dim = config_.head_dim;
    task.first_head = head * group;
    task.group = group;
    task.position = cache.size();
    task.token_begin = block * kAttentionTokens;
    task.token_end = std::min(n, task.token_begin + kAttentionTokens);
    task.scale = 1.0F / std::sqrt(static_cast<float>(config_.head_dim));
    task.scratch = reinterpret_cast<float*>(scratch_[static_cast<std::size_t>(thread)].data());
    kernels_.attention(task);
  });
}

void Llama::attention_block(const Layer& layer, int64_t index, int64_t n, KvCache& cache) {
  const int64_t q_width = config_.heads * config_.head_dim;
  const int64_t kv_width = config_.kv_heads * config_.head_dim;
  norm(x_.data(), layer.attention_norm, n, normed_.data());
  set_input(normed_.data(), n, config_.hidden, std::array{&layer.q, &layer.k, &layer.v});
  multiply(
      std::array<Output, 3>{{{&layer.q, q_.data(), q_width}, {&layer.k, k_.data(), kv_width}, {&layer.v, v_.data(), kv_width}}},
      n);
  rotate_and_store(index, n, cache);
  attend(index, n, cache);
  set_input(attended_.data(), n, q_width, std::array{&layer.o});
  multiply(std::array<Output, 1>{{{&layer.o, projected_.data(), config_.hidden}}}, n);
  kernels_.add(x_.data(), projected_.data(), n * config_.hidden);
}

void Llama::mlp_block(const Layer& layer, int64_t n) {
  norm(x_.data(), layer.mlp_norm, n, normed_.data());
  set_input(normed_.data(), n, config_.hidden, std::array{&layer.gate, &layer.up});
  multiply(
      std::array<Output, 2>{{{&layer.gate, gate_.data(), config_.intermediate}, {&layer.up, up_.data(), config_.intermediate}}},
      n);
  pool_.for_parts(n * config_.intermediate, 8, [&](int, int64_t begin, int64_t end) {
    kernels_.swiglu(gate_.data() + begin, up_.data() + begin, end - begin, gate_.data() + begin);
  });
  set_input(gate_.data(), n, config_.intermediate, std::array{&layer.down});
  multiply(std::array<Output, 1>{{{&layer.down, projected_.data(), config_.hidden}}}, n);
  kernels_.add(x_.data(), projected_.data(), n * config_.hidden);
}

void Llama::forward_batch(std::span<const TokenId> ids, KvCache& cache) {
  const auto n = static_cast<int64_t>(ids.size());
  reserve(n);
  for (int64_t t = 0; t < n; ++t) {
    const TokenId id = ids[static_cast<std::size_t>(t)];
    IFM_CHECK(id >= 0 && id < config_.vocab);
    dequantize_row(embedding_, id, x_.data() + t * config_.hidden);
    rope_.angles(cache.size() + t, cos_.data() + t * config_.head_dim / 2, sin_.data() + t * config_.head_dim / 2);
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    attention_block(layers_[i], static_cast<int64_t>(i), n, cache);
    mlp_block(layers_[i], n);
  }
}

void Llama::head(int64_t n, Logits which, int64_t base, const LogitsSink& sink) {
  const int64_t rows = which == Logits::all ? kHeadBatch : 1;
  if (logits_.size() < rows * config_.vocab) logits_ = AlignedBuffer<float>(rows * config_.vocab);
  for (int64_t begin = which == Logits::all ? 0 : n - 1; begin < n; begin += rows) {
    const int64_t count = std::min(rows, n - begin);
    if (count < kPrefillTokens) phase_ = Phase::decode;
    norm(x_.data() + begin * config_.hidden, final_norm_, count, normed_.data());
    set_input(normed_.data(), count, config_.hidden, std::array<const WeightMatrix*, 1>{&head_});
    multiply(std::array<Output, 1>{{{&head_, logits_.data(), config_.vocab}}}, count);
    for (int64_t i = 0; i < count; ++i) {
      sink(base + begin + i, std::span<const float>(logits_.data() + i * config_.vocab, static_cast<std::size_t>(config_.vocab)));
    }
  }
}

void Llama::forward(std::span<const TokenId> ids, KvCache& cache, Phase phase, Logits which, const LogitsSink& sink) {
  const auto count = static_cast<int64_t>(ids.size());
  IFM_CHECK(count > 0 && cache.size() + count <= cache.capacity());
  for (int64_t begin = 0; begin < count; begin += kBatch) {
    const int64_t n = std::min(kBatch, count - begin);
    phase_ = n < kPrefillTokens ? Phase::decode : phase;
    forward_batch(ids.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n)), cache);
    cache.set_size(cache.size() + n);
    const bool last = begin + n == count;
    if (which == Logits::all || (which == Logits::last && last)) head(n, which, begin, sink);
  }
}

}  // namespace ifm
