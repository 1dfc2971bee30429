#include "inferometer/model/attention.h"

#include <algorithm>
#include <cmath>

#include "inferometer/kernel/attention_merge.h"

namespace ifm {
namespace {

/// Keys of the first parts: few enough that short contexts keep several threads busy. Those behind them have more, so that what a
/// part costs besides its keys does not add up. Where a part begins does not depend on how many keys there are.
constexpr int64_t kShortPartKeys = 256;
constexpr int64_t kShortParts = 4;
constexpr int64_t kPartKeys = 1024;
static_assert(kShortPartKeys % kAttentionKeys == 0 && kPartKeys % kAttentionKeys == 0);

int64_t part_begin(int64_t part) {
  return kShortPartKeys * std::min(part, kShortParts) + kPartKeys * std::max<int64_t>(part - kShortParts, 0);
}
/// Tokens whose parts are held at a time.
constexpr int64_t kRoundTokens = 32;

}  // namespace

Attention::Attention(const ModelConfig& config, const Kernels& kernels, ThreadPool& pool)
    : config_(config), kernels_(kernels), pool_(pool) {
  for (int i = 0; i < pool.size(); ++i)
    scratch_.emplace_back(attention_scratch_floats(config.heads / config.kv_heads, config.head_dim));
}

void Attention::plan(std::span<const BatchPiece> pieces, Phase phase) {
  pieces_.assign(pieces.begin(), pieces.end());
  items_.clear();
  rounds_.clear();
  if (phase == Phase::prefill) {
    plan_prefill();
  } else {
    plan_decode();
  }
  int64_t most = 0;
  for (const Round& round : rounds_) {
    if (round.parts > 1) most = std::max(most, round.parts * (round.token_end - round.token_begin));
  }
  if (most * config_.heads * 2 <= sums_.size()) return;
  parts_ = AlignedBuffer<float>(most * config_.heads * config_.head_dim);
  sums_ = AlignedBuffer<float>(most * config_.heads * 2);
}

void Attention::plan_prefill() {
  for (std::size_t p = 0; p < pieces_.size(); ++p) {
    const BatchPiece& piece = pieces_[p];
    for (int64_t begin = piece.token_begin; begin < piece.token_end; begin += kAttentionTokens) {
      const int64_t end = std::min(piece.token_end, begin + kAttentionTokens);
      const int64_t key_end = piece.position_of(end);
      for (int64_t head = 0; head < config_.kv_heads; ++head) items_.push_back({p, begin, end, head, 0, 0, key_end});
    }
  }
  // The longest first, so that threads end together.
  std::ranges::stable_sort(items_, std::ranges::greater(), &Item::key_end);
  rounds_.push_back({0, items_.size(), 0, pieces_.back().token_end, false, 1});
}

void Attention::plan_decode() {
  Round round{.contiguous = true};
  token_parts_.clear();
  for (std::size_t p = 0; p < pieces_.size(); ++p) {
    const BatchPiece& piece = pieces_[p];
    for (int64_t begin = piece.token_begin; begin < piece.token_end; begin += kAttentionTokens) {
      const int64_t end = std::min(piece.token_end, begin + kAttentionTokens);
      if (end - round.token_begin > kRoundTokens) {
        rounds_.push_back(round);
        round = {items_.size(), items_.size(), begin, begin, true, 0};
      }
      const int64_t key_end = piece.position_of(end);
      int64_t parts = 1;
      while (part_begin(parts) < key_end) ++parts;
      for (int64_t head = 0; head < config_.kv_heads; ++head) {
        for (int64_t part = 0; part < parts; ++part)
          items_.push_back({p, begin, end, head, part, part_begin(part), std::min(key_end, part_begin(part + 1))});
      }
      token_parts_.insert(token_parts_.end(), static_cast<std::size_t>(end - begin), parts);
      round.parts = std::max(round.parts, parts);
      round.token_end = end;
      round.item_end = items_.size();
    }
  }
  rounds_.push_back(round);
}

void Attention::run_item(const Item& item, const Round& round, int thread, int64_t layer, const float* q, float* out) {
  const BatchPiece& piece = pieces_[item.piece];
  // The task counts tokens from the round's first.
  const int64_t row = round.token_begin * config_.heads;
  AttentionTask task{.q = q + row * config_.head_dim, .kv = piece.sequence->pages(layer, item.head)};
  if (round.parts > 1) {
    const int64_t part_row = item.part * (round.token_end - round.token_begin) * config_.heads;
    task.out = parts_.data() + part_row * config_.head_dim;
    task.sums = sums_.data() + part_row * 2;
  } else {
    task.out = out + row * config_.head_dim;
  }
  task.heads = config_.heads;
  task.head_dim = config_.head_dim;
  task.group = config_.heads / config_.kv_heads;
  task.first_head = item.head * task.group;
  task.position = piece.position_of(round.token_begin);
  task.token_begin = item.token_begin - round.token_begin;
  task.token_end = item.token_end - round.token_begin;
  task.key_begin = item.key_begin;
  task.key_end = item.key_end;
  task.scale = 1.0F / std::sqrt(static_cast<float>(config_.head_dim));
  task.scratch = scratch_[static_cast<std::size_t>(thread)].data();
  kernels_.attention(task);
}

void Attention::merge(const Round& round, float* out) {
  const int64_t rows = (round.token_end - round.token_begin) * config_.heads;
  pool_.for_parts(rows, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t token = round.token_begin + row / config_.heads;
      const AttentionParts parts{.out = parts_.data() + row * config_.head_dim,
                                 .sums = sums_.data() + row * 2,
                                 .out_stride = rows * config_.head_dim,
                                 .sums_stride = rows * 2,
                                 .count = token_parts_[static_cast<std::size_t>(token)]};
      merge_attention(parts, config_.head_dim, out + (round.token_begin * config_.heads + row) * config_.head_dim);
    }
  });
}

bool Attention::items_are_independent() const {
  return rounds_.size() == 1 && rounds_.front().contiguous && rounds_.front().parts == 1 &&
         std::ranges::all_of(pieces_,
                             [](const BatchPiece& piece) { return piece.token_end - piece.token_begin <= kAttentionTokens; });
}

void Attention::run_contiguous(const Round& round, const std::function<void(const Item&, int)>& run_one) {
  int64_t all = 0;
  for (std::size_t i = round.item_begin; i < round.item_end; ++i) all += items_[i].key_end - items_[i].key_begin;
  pool_.run([&](int thread) {
    const int64_t begin = all * thread / pool_.size();
    const int64_t end = all * (thread + 1) / pool_.size();
    int64_t middle = 0;  // of an item, in keys: says whose it is
    for (std::size_t i = round.item_begin; i < round.item_end; ++i) {
      const int64_t keys = items_[i].key_end - items_[i].key_begin;
      middle += keys / 2;
      if (middle >= begin && middle < end) run_one(items_[i], thread);
      middle += keys - keys / 2;
    }
  });
}

void Attention::prepare(const Prepare& prepare) {
  const int64_t tokens = pieces_.back().token_end;
  pool_.for_parts(tokens * config_.kv_heads, 1, [&](int, int64_t begin, int64_t end) {
    auto piece = pieces_.begin();
    for (int64_t i = begin; i < end; ++i) {
      const int64_t token = i / config_.kv_heads;
      while (piece->token_end <= token) ++piece;
      prepare(*piece, token, token + 1, i % config_.kv_heads);
    }
  });
}

void Attention::run(int64_t layer, const float* q, float* out, const Prepare& prepare) {
  const bool independent = items_are_independent();
  if (!independent) this->prepare(prepare);
  for (const Round& round : rounds_) {
    const auto run_one = [&](const Item& item, int thread) {
      if (independent) prepare(pieces_[item.piece], item.token_begin, item.token_end, item.head);
      run_item(item, round, thread, layer, q, out);
    };
    if (round.contiguous) {
      run_contiguous(round, run_one);
    } else {
      pool_.for_chunks(static_cast<int64_t>(round.item_end - round.item_begin), 1, [&](int thread, int64_t item, int64_t) {
        run_one(items_[round.item_begin + static_cast<std::size_t>(item)], thread);
      });
    }
    if (round.parts > 1) merge(round, out);
  }
}

}  // namespace ifm
