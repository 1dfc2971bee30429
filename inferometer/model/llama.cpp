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
    : config_(checkpoint.config()),
      kernels_(kernels),
      pool_(pool),
      accuracy_(accuracy),
      rope_(config_.rope, config_.head_dim),
      attention_(config_, kernels, pool) {
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
  scratch_.clear();
  for (int i = 0; i < pool_.size(); ++i) scratch_.emplace_back(matmul_scratch_bytes(tokens, widest));
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
  const int64_t k = config_.hidden;
  pool_.for_parts(n, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) kernels_.rms_norm(x + t * k, weight.data(), k, config_.norm_eps, out + t * k);
  });
}

void Llama::add_projected(int64_t n) {
  pool_.for_parts(n * config_.hidden, config_.hidden, [&](int, int64_t begin, int64_t end) {
    kernels_.add(x_.data() + begin, projected_.data() + begin, end - begin);
  });
}

void Llama::rotate_and_store(int64_t layer, const Batch& batch) {
  const int64_t d = config_.head_dim;
  const auto one = [&](const BatchPiece& piece, int64_t t, std::vector<uint16_t>& halves) {
    const float* cos = cos_.data() + t * d / 2;
    const float* sin = sin_.data() + t * d / 2;
    kernels_.rope(q_.data() + t * config_.heads * d, config_.heads, d, cos, sin, config_.rope.interleaved);
    float* k = k_.data() + t * config_.kv_heads * d;
    kernels_.rope(k, config_.kv_heads, d, cos, sin, config_.rope.interleaved);
    const int64_t position = piece.sequence->size() + t - piece.token_begin;
    for (int64_t h = 0; h < config_.kv_heads; ++h) {
      kernels_.to_f16(k + h * d, d, halves.data());
      kernels_.to_f16(v_.data() + (t * config_.kv_heads + h) * d, d, halves.data() + d);
      piece.sequence->write(layer, h, position, halves.data(), halves.data() + d);
    }
  };
  pool_.for_parts(static_cast<int64_t>(batch.ids.size()), 1, [&](int, int64_t begin, int64_t end) {
    std::vector<uint16_t> halves(static_cast<std::size_t>(2 * d));
    for (const BatchPiece& piece : batch.pieces) {
      for (int64_t t = std::max(begin, piece.token_begin); t < std::min(end, piece.token_end); ++t) one(piece, t, halves);
    }
  });
}

void Llama::attention_block(const Layer& layer, int64_t index, const Batch& batch) {
  const auto n = static_cast<int64_t>(batch.ids.size());
  const int64_t q_width = config_.heads * config_.head_dim;
  const int64_t kv_width = config_.kv_heads * config_.head_dim;
  norm(x_.data(), layer.attention_norm, n, normed_.data());
  set_input(normed_.data(), n, config_.hidden, std::array{&layer.q, &layer.k, &layer.v});
  multiply(
      std::array<Output, 3>{{{&layer.q, q_.data(), q_width}, {&layer.k, k_.data(), kv_width}, {&layer.v, v_.data(), kv_width}}},
      n);
  rotate_and_store(index, batch);
  attention_.run(index, q_.data(), attended_.data());
  set_input(attended_.data(), n, q_width, std::array{&layer.o});
  multiply(std::array<Output, 1>{{{&layer.o, projected_.data(), config_.hidden}}}, n);
  add_projected(n);
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
  add_projected(n);
}

void Llama::forward_batch(const Batch& batch) {
  const auto n = static_cast<int64_t>(batch.ids.size());
  reserve(n);
  for (const BatchPiece& piece : batch.pieces) {
    for (int64_t t = piece.token_begin; t < piece.token_end; ++t) {
      const TokenId id = batch.ids[static_cast<std::size_t>(t)];
      IFM_CHECK(id >= 0 && id < config_.vocab);
      dequantize_row(embedding_, id, x_.data() + t * config_.hidden);
      const int64_t position = piece.sequence->size() + t - piece.token_begin;
      rope_.angles(position, cos_.data() + t * config_.head_dim / 2, sin_.data() + t * config_.head_dim / 2);
    }
  }
  attention_.plan(batch.pieces, phase_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    attention_block(layers_[i], static_cast<int64_t>(i), batch);
    mlp_block(layers_[i], n);
  }
  for (const BatchPiece& piece : batch.pieces) piece.sequence->advance(piece.token_end - piece.token_begin);
}

void Llama::head(std::span<const int64_t> tokens, int64_t base, const LogitsSink& sink) {
  const auto all = static_cast<int64_t>(tokens.size());
  const int64_t rows = std::min(kHeadBatch, all);
  if (logits_.size() < rows * config_.vocab) logits_ = AlignedBuffer<float>(rows * config_.vocab);
  for (int64_t begin = 0; begin < all; begin += rows) {
    const int64_t count = std::min(rows, all - begin);
    if (count < kPrefillTokens) phase_ = Phase::decode;
    for (int64_t i = 0; i < count; ++i) {
      const float* x = x_.data() + tokens[static_cast<std::size_t>(begin + i)] * config_.hidden;
      kernels_.rms_norm(x, final_norm_.data(), config_.hidden, config_.norm_eps, normed_.data() + i * config_.hidden);
    }
    set_input(normed_.data(), count, config_.hidden, std::array<const WeightMatrix*, 1>{&head_});
    multiply(std::array<Output, 1>{{{&head_, logits_.data(), config_.vocab}}}, count);
    for (int64_t i = 0; i < count; ++i) {
      sink(base + tokens[static_cast<std::size_t>(begin + i)],
           std::span<const float>(logits_.data() + i * config_.vocab, static_cast<std::size_t>(config_.vocab)));
    }
  }
}

void Llama::forward(std::span<const Continuation> batch, Phase phase, Logits which, const LogitsSink& sink) {
  IFM_CHECK(!batch.empty());
  for (const Continuation& one : batch) {
    IFM_CHECK(!one.ids.empty());
    one.sequence->reserve(static_cast<int64_t>(one.ids.size()));
  }
  int64_t base = 0;  // ids before the batch
  Batch now;
  const auto flush = [&] {
    const auto n = static_cast<int64_t>(now.ids.size());
    phase_ = n < kPrefillTokens ? Phase::decode : phase;
    forward_batch(now);
    head(now.wanted, base, sink);
    base += n;
    now = {};
  };
  for (const Continuation& one : batch) {
    std::span<const TokenId> left = one.ids;
    while (!left.empty()) {
      const auto begin = static_cast<int64_t>(now.ids.size());
      const auto ids = left.first(std::min(left.size(), static_cast<std::size_t>(kBatch - begin)));
      left = left.subspan(ids.size());
      now.ids.insert(now.ids.end(), ids.begin(), ids.end());
      const auto end = static_cast<int64_t>(now.ids.size());
      now.pieces.push_back({one.sequence, begin, end});
      const bool last = which == Logits::last && left.empty();
      for (int64_t t = which == Logits::all ? begin : last ? end - 1 : end; t < end; ++t) now.wanted.push_back(t);
      if (end == kBatch) flush();
    }
  }
  if (!now.ids.empty()) flush();
}

void Llama::forward(std::span<const TokenId> ids, KvSequence& sequence, Phase phase, Logits which, const LogitsSink& sink) {
  forward(std::array{Continuation{&sequence, ids}}, phase, which, sink);
}

}  // namespace ifm
