#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/aligned_buffer.h"
#include "inferometer/kernel/attention_merge.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/test_matrix.h"
#include "inferometer/kernel/test_nmse.h"

namespace ifm {
namespace {

using test::noted;

struct Shape {
  int64_t heads, first_head, group, head_dim;
};

/// Queries at `position` and on, and the keys and values up to the last of them, random. What no query may see is NaN.
class Problem {
 public:
  static constexpr int64_t kTokens = 20;

  /// Page i of the sequence is page `order` * i + order - 1 of the memory.
  Problem(Shape shape, int64_t position, int64_t order) : shape_(shape) {
    const int64_t d = shape.head_dim;
    const int64_t keys = position + kTokens;
    const int64_t pages = (keys + kAttentionKeys - 1) / kAttentionKeys;
    q_ = make_test_activations(kTokens * shape.heads * d, d, 0, 41);
    const std::vector<float> kv = make_test_activations(2 * keys * d, d, 0, 42);
    std::vector<uint16_t> halves(kv.size());
    kernels_for("reference").to_f16(kv.data(), static_cast<int64_t>(kv.size()), halves.data());
    memory_.assign(static_cast<std::size_t>(order * pages * 2 * kAttentionKeys * d), 0x7E00);
    for (int64_t i = 0; i < pages; ++i) table_.push_back(static_cast<int32_t>(order * i + order - 1));
    for (int64_t j = 0; j < keys; ++j) {
      uint16_t* page = memory_.data() + table_[static_cast<std::size_t>(j / kAttentionKeys)] * 2 * kAttentionKeys * d;
      for (int64_t i = 0; i < d; ++i) {
        page[i * kAttentionKeys + j % kAttentionKeys] = halves[static_cast<std::size_t>(2 * j * d + i)];
        page[(kAttentionKeys + j % kAttentionKeys) * d + i] = halves[static_cast<std::size_t>((2 * j + 1) * d + i)];
      }
    }
    task_.q = q_.data();
    task_.kv = {reinterpret_cast<const std::byte*>(memory_.data()), table_.data(), 2 * kAttentionKeys * d * 2};
    task_.heads = shape.heads;
    task_.head_dim = d;
    task_.first_head = shape.first_head;
    task_.group = shape.group;
    task_.position = position;
    task_.key_end = keys;
    task_.scale = 1.0F / std::sqrt(static_cast<float>(d));
  }

  /// All queries, `tokens` at a time, over the keys [key_begin, key_end).
  std::vector<float> run(const Kernels& kernels, int64_t tokens, int64_t key_begin, int64_t key_end, float* sums = nullptr) {
    std::vector<float> out(q_.size(), 0.0F);
    AlignedBuffer<float> scratch(attention_scratch_floats(shape_.group, shape_.head_dim));
    AttentionTask task = task_;
    task.out = out.data();
    task.sums = sums;
    task.key_begin = key_begin;
    task.key_end = key_end;
    task.scratch = scratch.data();
    for (int64_t begin = 0; begin < kTokens; begin += tokens) {
      task.token_begin = begin;
      task.token_end = std::min(kTokens, begin + tokens);
      kernels.attention(task);
    }
    return out;
  }
  std::vector<float> run(const Kernels& kernels, int64_t tokens) { return run(kernels, tokens, 0, task_.key_end); }
  [[nodiscard]] int64_t keys() const { return task_.key_end; }

 private:
  Shape shape_;
  std::vector<float> q_;
  std::vector<uint16_t> memory_;
  std::vector<int32_t> table_;
  AttentionTask task_;
};

class EachAttention : public ::testing::TestWithParam<std::string> {
 protected:
  const Kernels& kernels_ = kernels_for(GetParam());
  const Kernels& reference_ = kernels_for("reference");
};

std::string isa_name(const ::testing::TestParamInfo<std::string>& tested) { return tested.param; }
INSTANTIATE_TEST_SUITE_P(Attention, EachAttention, ::testing::ValuesIn(available_isas()), isa_name);

constexpr int64_t kPositions[] = {0, 1, 45, 50, 63, 64, 150, 300};

TEST_P(EachAttention, AttentionIsCloseToDouble) {
  for (const Shape shape : {Shape{6, 3, 3, 24}, Shape{4, 0, 4, 64}, Shape{3, 2, 1, 8}, Shape{7, 0, 7, 128}, Shape{8, 0, 8, 72},
                            Shape{2, 0, 2, 104}, Shape{5, 0, 5, 80}}) {
    for (const int64_t position : kPositions) {
      Problem problem(shape, position, 1);
      EXPECT_LE(noted("attention", nmse(problem.run(kernels_, kAttentionTokens), problem.run(reference_, kAttentionTokens))),
                1e-12)
          << position << " head_dim " << shape.head_dim << " group " << shape.group;
    }
  }
}

TEST_P(EachAttention, AttentionDependsNeitherOnTheOtherQueriesNorOnThePages) {
  for (const Shape shape : {Shape{6, 3, 3, 24}, Shape{4, 0, 4, 64}}) {
    for (const int64_t position : kPositions) {
      Problem problem(shape, position, 1);
      const std::vector<float> whole = problem.run(kernels_, kAttentionTokens);
      for (const int64_t tokens : {1, 2, 5, 7}) EXPECT_EQ(problem.run(kernels_, tokens), whole) << position << " by " << tokens;
      EXPECT_EQ(Problem(shape, position, 3).run(kernels_, kAttentionTokens), whole) << position;
    }
  }
}

TEST_P(EachAttention, MergedPartsAreTheWhole) {
  constexpr Shape kShape{4, 0, 4, 64};
  Problem problem(kShape, 300, 1);
  const std::vector<float> whole = problem.run(reference_, kAttentionTokens);
  const int64_t rows = Problem::kTokens * kShape.heads;
  constexpr int64_t kPart = 128;
  const int64_t parts = (problem.keys() + kPart - 1) / kPart;
  std::vector<float> outs;
  std::vector<float> sums(static_cast<std::size_t>(parts * rows * 2));
  for (int64_t i = 0; i < parts; ++i) {
    const std::vector<float> out =
        problem.run(kernels_, 16, i * kPart, std::min(problem.keys(), (i + 1) * kPart), sums.data() + i * rows * 2);
    outs.insert(outs.end(), out.begin(), out.end());
  }
  std::vector<float> merged(whole.size());
  for (int64_t row = 0; row < rows; ++row) {
    const AttentionParts of_row{.out = outs.data() + row * kShape.head_dim,
                                .sums = sums.data() + row * 2,
                                .out_stride = rows * kShape.head_dim,
                                .sums_stride = rows * 2,
                                .count = parts};
    merge_attention(of_row, kShape.head_dim, merged.data() + row * kShape.head_dim);
  }
  EXPECT_LE(nmse(merged, whole), 1e-12);
}

TEST_P(EachAttention, APartWithoutKeysIsZeroAndChangesNoBit) {
  constexpr Shape kShape{4, 0, 4, 64};
  Problem problem(kShape, 120, 1);           // the first eight queries see nothing of the keys from 128 on
  const std::size_t row = 2 * kShape.heads;  // of query 2
  std::vector<float> sums(2 * static_cast<std::size_t>(Problem::kTokens * kShape.heads * 2));
  const std::vector<float> first = problem.run(kernels_, 16, 0, 128, sums.data());
  const std::vector<float> second = problem.run(kernels_, 16, 128, problem.keys(), sums.data() + sums.size() / 2);
  EXPECT_EQ(sums[sums.size() / 2 + 2 * row + 1], 0.0F);
  std::vector<float> outs = first;
  outs.insert(outs.end(), second.begin(), second.end());
  std::vector<float> merged(static_cast<std::size_t>(kShape.head_dim));
  const auto offset = static_cast<std::ptrdiff_t>(row) * kShape.head_dim;
  const AttentionParts parts{.out = outs.data() + offset,
                             .sums = sums.data() + 2 * row,
                             .out_stride = static_cast<int64_t>(first.size()),
                             .sums_stride = static_cast<int64_t>(sums.size() / 2),
                             .count = 2};
  merge_attention(parts, kShape.head_dim, merged.data());
  EXPECT_TRUE(std::equal(merged.begin(), merged.end(), first.begin() + offset));
  for (std::size_t i = 0; i < 8 * kShape.heads * kShape.head_dim; ++i) EXPECT_EQ(second[i], 0.0F) << i;
  for (std::size_t r = 0; r < 8 * kShape.heads; ++r) EXPECT_EQ(sums[sums.size() / 2 + 2 * r + 1], 0.0F) << r;
}

}  // namespace
}  // namespace ifm
