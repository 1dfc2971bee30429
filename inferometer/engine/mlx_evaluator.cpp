#include "inferometer/engine/mlx_evaluator.h"

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "inferometer/base/error.h"
#include "inferometer/engine/mlx_call.h"

namespace mx = mlx::core;

namespace ifm {
namespace {

constexpr std::size_t kScoredTogether = 64;  // positions whose logits, (64, vocab), are in memory at once

}  // namespace

void MlxEvaluator::truncate(int positions) { cache_.truncate(positions); }

void MlxEvaluator::check(std::span<const TokenId> ids) const {
  if (ids.empty()) fail(ErrorKind::usage, "evaluation: no ids (expected at least one)");
  if (static_cast<std::size_t>(cache_.size()) + ids.size() > static_cast<std::size_t>(context_)) {
    fail(ErrorKind::resource, "context: {} positions and {} more do not fit the context of {} tokens", cache_.size(), ids.size(),
         context_);
  }
  for (const TokenId id : ids) {
    if (id < 0 || id >= vocab())
      fail(ErrorKind::usage, "evaluation: id {} is not in the vocabulary (expected 0 to {})", id, vocab() - 1);
  }
}

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
