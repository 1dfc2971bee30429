#include "inferometer/engine/mlx_evaluator.h"

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "inferometer/engine/in_process.h"
#include "inferometer/engine/mlx_call.h"

namespace mx = mlx::core;

namespace ifm {
namespace {

constexpr std::size_t kScoredTogether = 64;  // positions whose logits, (64, vocab), are in memory at once

}  // namespace

void MlxEvaluator::truncate(int positions) { cache_.truncate(positions); }

void MlxEvaluator::check(std::span<const TokenId> ids) const { check_ids(ids, cache_.size(), context_, vocab()); }

void MlxEvaluator::show(const mx::array& logits, std::size_t row) {
  logits_ = logits;
  const auto width = static_cast<std::size_t>(vocab());
  shown_ = {logits_->data<float>() + row * width, width};
}

void MlxEvaluator::prefill(std::span<const TokenId> ids) {
  check(ids);
  on_stream(stream_, [&] {
    const mx::array logits = mx::contiguous(llama_.prefill(ids, cache_));
    mx::eval(logits);
    show(logits, 0);
  });
}

void MlxEvaluator::score(std::span<const TokenId> ids, const std::function<void(int, std::span<const float>)>& each) {
  check(ids);
  for (std::size_t begin = 0; begin < ids.size(); begin += kScoredTogether) {
    const std::span<const TokenId> part = ids.subspan(begin, std::min(kScoredTogether, ids.size() - begin));
    const mx::array logits = on_stream(stream_, [&] {
      mx::array all = mx::contiguous(llama_.forward(to_array(part), cache_, Logits::all));
      mx::eval(all);
      return all;
    });
    for (std::size_t row = 0; row < part.size(); ++row) {
      show(logits, row);
      each(static_cast<int>(begin + row), shown_);
    }
  }
}

}  // namespace ifm
