#include <algorithm>
#include <array>
#include <cstring>

#include "inferometer/base/check.h"
#include "inferometer/model/llama.h"
#include "inferometer/model/planted_slowdown.h"

namespace ifm {
namespace {

/// Tokens that pass through the layers together; longer prompts come in pieces.
constexpr int64_t kBatch = 512;
/// Shorter pieces of a prompt are evaluated as decode steps are: a prefill product works on this many tokens at least.
constexpr int64_t kPrefillTokens = 4;
/// Weights that a thread should at least stream through at a time, and where several tokens meet them, which takes longer.
constexpr int64_t kStreamBytes = 128 * 1024;
constexpr int64_t kSharedStreamBytes = 32 * 1024;
/// Positions whose logits are computed together.
constexpr int64_t kHeadBatch = 32;

/// Rows that a thread should at least take together for n tokens.
int64_t stream_rows(const WeightMatrix& w, int64_t n) {
  const int64_t row_bytes = std::max<int64_t>(1, bytes_of(w) / w.rows);
  const int64_t rows = (n < kPrefillTokens ? kStreamBytes : kSharedStreamBytes) / row_bytes;
  return (rows + kMatmulRows) / kMatmulRows * kMatmulRows;
}

}  // namespace

const std::byte* Llama::rounded_for(const Product& product) const {
  const auto found = std::ranges::find(rounded_, product.rounding, &Rounded::rounding);
  return found == rounded_.end() ? nullptr : found->bytes.data();
}

void Llama::set_input(const float* x, int64_t n, int64_t k, std::span<const WeightMatrix* const> users, const Prepare& prepare) {
  input_ = x;
  input_k_ = k;
  wanted_roundings_.clear();
  for (Rounded& to : rounded_) {
    if (std::ranges::any_of(users, [&](const WeightMatrix* w) { return product_of(*w).rounding == to.rounding; })) {
      wanted_roundings_.push_back(&to);
    }
  }
  pool_.for_parts(n, kRoundedTokens, [&](int, int64_t part_begin, int64_t part_end) {
    for (int64_t begin = part_begin; begin < part_end; begin += kRoundedTokens) {
      const int64_t end = std::min(part_end, begin + kRoundedTokens);
      prepare(begin, end);
      for (Rounded* to : wanted_roundings_) to->rounding->round(x, n, k, begin, end, to->bytes.data());
    }
  });
}

void Llama::multiply_rows(const Output& output, int64_t n, int64_t begin, int64_t end, int thread) {
  const WeightMatrix& w = *output.weights;
  const Product& product = product_of(w);
  const Activations x{n, input_k_, input_, rounded_for(product)};
  MatmulTask task{.weights = &w, .x = &x, .out = output.out, .out_stride = output.out_stride};
  task.scratch = scratch_[static_cast<std::size_t>(thread)].data();
  const int64_t row_end = std::clamp<int64_t>(end, 0, w.rows);
  // Where tokens come in parts, every part finds the rows in a cache.
  const int64_t together = n > product.tokens ? 4 * kMatmulRows : w.rows;
  for (task.row_begin = std::clamp<int64_t>(begin, 0, w.rows); task.row_begin < row_end; task.row_begin = task.row_end) {
    task.row_end = std::min(row_end, task.row_begin + together);
    for (task.token_begin = 0; task.token_begin < n; task.token_begin = task.token_end) {
      task.token_end = task.token_begin + std::min(n - task.token_begin, product.tokens);
      with_planted_slowdown(phase_ == Phase::decode, [&] { product.multiply(task); });
    }
  }
}

void Llama::multiply(std::span<const Output> outputs, int64_t n) {
  int64_t rows = 0;
  for (const Output& output : outputs) rows += output.weights->rows;
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    int64_t first = 0;
    for (const Output& output : outputs) {
      multiply_rows(output, n, begin - first, end - first, thread);
      first += output.weights->rows;
    }
  };
  // Long ways through the weights, which every product fetches ahead of itself, and short ones to end together.
  pool_.for_shrinking(rows, phase_ == Phase::decode ? stream_rows(*outputs.front().weights, n) : kMatmulRows, part);
}

void Llama::set_normed(const std::vector<float>& weight, bool pending, int64_t n, std::span<const WeightMatrix* const> users) {
  const int64_t k = config_.hidden;
  set_input(normed_.data(), n, k, users, [&](int64_t begin, int64_t end) {
    if (pending) kernels_.add(x_.data() + begin * k, projected_.data() + begin * k, (end - begin) * k);
    for (int64_t t = begin; t < end; ++t) {
      kernels_.rms_norm(x_.data() + t * k, weight.data(), k, config_.norm_eps, normed_.data() + t * k);
    }
  });
}

void Llama::rotate_queries(int64_t token, int64_t head) {
  const int64_t d = config_.head_dim;
  const int64_t group = config_.heads / config_.kv_heads;
  float* q = q_.data() + (token * config_.heads + head * group) * d;
  kernels_.rope(q, group, d, cos_.data() + token * d / 2, sin_.data() + token * d / 2, config_.rope.interleaved);
}

void Llama::store_key_and_value(const BatchPiece& piece, int64_t token, int64_t head, int64_t layer) {
  const int64_t d = config_.head_dim;
  const int64_t position = piece.position_of(token);
  piece.sequence->prefetch(layer, head, position);
  std::vector<uint16_t> halves(static_cast<std::size_t>(2 * d));
  float* k = k_.data() + (token * config_.kv_heads + head) * d;
  kernels_.rope(k, 1, d, cos_.data() + token * d / 2, sin_.data() + token * d / 2, config_.rope.interleaved);
  kernels_.to_f16(k, d, halves.data());
  kernels_.to_f16(v_.data() + (token * config_.kv_heads + head) * d, d, halves.data() + d);
  piece.sequence->write(layer, head, position, halves.data(), halves.data() + d);
}

void Llama::keep_wanted(Batch& batch) {
  const auto move_row = [](AlignedBuffer<float>& buffer, int64_t width, int64_t from, int64_t to) {
    std::memmove(buffer.data() + to * width, buffer.data() + from * width, static_cast<std::size_t>(width) * sizeof(float));
  };
  std::vector<BatchPiece> kept;
  auto piece = batch.pieces.begin();
  for (int64_t i = 0; i < static_cast<int64_t>(batch.wanted.size()); ++i) {
    const int64_t token = batch.wanted[static_cast<std::size_t>(i)];
    while (piece->token_end <= token) ++piece;
    kept.push_back({piece->sequence, piece->position_of(token), i, i + 1});
    for (AlignedBuffer<float>* rows : {&x_, &normed_}) move_row(*rows, config_.hidden, token, i);
    for (AlignedBuffer<float>* rows : {&cos_, &sin_}) move_row(*rows, config_.head_dim / 2, token, i);
  }
  batch.pieces = std::move(kept);
  phase_ = Phase::decode;
}

void Llama::attention_block(Batch& batch, const Layer& layer, int64_t index) {
  auto n = static_cast<int64_t>(batch.ids.size());
  const int64_t q_width = config_.heads * config_.head_dim;
  const int64_t kv_width = config_.kv_heads * config_.head_dim;
  const Output q{&layer.q, q_.data(), q_width};
  const Output k{&layer.k, k_.data(), kv_width};
  const Output v{&layer.v, v_.data(), kv_width};
  set_normed(layer.attention_norm, index > 0, n, std::array{&layer.q, &layer.k, &layer.v});
  const auto wanted = static_cast<int64_t>(batch.wanted.size());
  const bool keeps_all = index + 1 < config_.layers || wanted == n;
  const auto store = [&](const BatchPiece& piece, int64_t begin, int64_t end, int64_t head) {
    for (int64_t t = begin; t < end; ++t) store_key_and_value(piece, t, head, index);
  };
  if (keeps_all) {
    multiply(std::array{q, k, v}, n);
  } else {
    multiply(std::array{k, v}, n);
    attention_.prepare(store);
    keep_wanted(batch);
    n = wanted;
    if (n == 0) return;
    attention_.plan(batch.pieces, phase_);
    set_input(normed_.data(), n, config_.hidden, std::array{&layer.q}, [](int64_t, int64_t) {});
    multiply(std::array{q}, n);
  }
  attention_.run(index, q_.data(), attended_.data(), [&](const BatchPiece& piece, int64_t begin, int64_t end, int64_t head) {
    if (keeps_all) store(piece, begin, end, head);
    for (int64_t t = begin; t < end; ++t) rotate_queries(t, head);
  });
  set_input(attended_.data(), n, q_width, std::array{&layer.o}, [](int64_t, int64_t) {});
  multiply(std::array<Output, 1>{{{&layer.o, projected_.data(), config_.hidden}}}, n);
}

void Llama::mlp_block(const Layer& layer, int64_t n) {
  const int64_t width = config_.intermediate;
  set_normed(layer.mlp_norm, true, n, std::array{&layer.gate, &layer.up});
  multiply(std::array<Output, 2>{{{&layer.gate, gate_.data(), width}, {&layer.up, up_.data(), width}}}, n);
  set_input(gate_.data(), n, width, std::array{&layer.down}, [&](int64_t begin, int64_t end) {
    float* gate = gate_.data() + begin * width;
    kernels_.swiglu(gate, up_.data() + begin * width, (end - begin) * width, gate);
  });
  multiply(std::array<Output, 1>{{{&layer.down, projected_.data(), config_.hidden}}}, n);
}

void Llama::embed(const Batch& batch) {
  pool_.for_parts(static_cast<int64_t>(batch.ids.size()), 1, [&](int, int64_t begin, int64_t end) {
    for (const BatchPiece& piece : batch.pieces) {
      for (int64_t t = std::max(begin, piece.token_begin); t < std::min(end, piece.token_end); ++t) {
        dequantize_row(embedding_, batch.ids[static_cast<std::size_t>(t)], x_.data() + t * config_.hidden);
        rope_.angles(piece.position_of(t), cos_.data() + t * config_.head_dim / 2, sin_.data() + t * config_.head_dim / 2);
      }
    }
  });
}

void Llama::forward_batch(Batch& batch) {
  const auto n = static_cast<int64_t>(batch.ids.size());
  reserve(n);
  embed(batch);
  attention_.plan(batch.pieces, phase_);
  const std::vector<BatchPiece> pieces = batch.pieces;
  for (int64_t i = 0; i < config_.layers; ++i) {
    const Layer& layer = layers_[static_cast<std::size_t>(i)];
    attention_block(batch, layer, i);
    const int64_t left = i + 1 < config_.layers ? n : static_cast<int64_t>(batch.wanted.size());
    if (left > 0) mlp_block(layer, left);
  }
  for (const BatchPiece& piece : pieces) piece.sequence->advance(piece.token_end - piece.token_begin);
}

void Llama::head(std::span<const int64_t> tokens, int64_t base, const LogitsSink& sink) {
  const auto all = static_cast<int64_t>(tokens.size());
  const int64_t rows = std::min(kHeadBatch, all);
  if (logits_.size() < rows * config_.vocab) logits_ = AlignedBuffer<float>(rows * config_.vocab);
  for (int64_t first = 0; first < all; first += rows) {
    const int64_t count = std::min(rows, all - first);
    if (count < kPrefillTokens) phase_ = Phase::decode;
    const int64_t k = config_.hidden;
    set_input(normed_.data(), count, k, std::array<const WeightMatrix*, 1>{&head_}, [&](int64_t begin, int64_t end) {
      kernels_.add(x_.data() + (first + begin) * k, projected_.data() + (first + begin) * k, (end - begin) * k);
      for (int64_t i = begin; i < end; ++i) {
        kernels_.rms_norm(x_.data() + (first + i) * k, final_norm_.data(), k, config_.norm_eps, normed_.data() + i * k);
      }
    });
    multiply(std::array<Output, 1>{{{&head_, logits_.data(), config_.vocab}}}, count);
    checkpoint_.check_intact();
    for (int64_t i = 0; i < count; ++i) {
      sink(base + tokens[static_cast<std::size_t>(first + i)],
           std::span<const float>(logits_.data() + i * config_.vocab, static_cast<std::size_t>(config_.vocab)));
    }
  }
}

void Llama::forward(std::span<const Continuation> batch, Phase phase, Logits which, const LogitsSink& sink) {
  IFM_CHECK(!batch.empty());
  for (const Continuation& one : batch) {
    IFM_CHECK(!one.ids.empty());
    IFM_CHECK(std::ranges::all_of(one.ids, [&](TokenId id) { return id >= 0 && id < config_.vocab; }));
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
      now.pieces.push_back({one.sequence, one.sequence->size(), begin, end});
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
