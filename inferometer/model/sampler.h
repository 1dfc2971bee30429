#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "inferometer/base/rng.h"
#include "inferometer/base/token_id.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/model/cut.h"

namespace ifm {

/// How a sampler draws; see SamplingParams of the engine seam for the meaning of each field.
struct SamplerConfig {
  double temperature = 0.0;  ///< >= 0; 0 = the largest logit, the lowest id of equals
  int top_k = 0;             ///< 0 = all
  double top_p = 1.0;        ///< (0, 1]
  double min_p = 0.0;        ///< [0, 1]
  double repetition_penalty = 1.0;
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  uint64_t seed = 0;
};

/// Draws ids from logits: penalties, top-k, top-p, min-p, temperature, in this order. Of equal logits, filters keep the lowest
/// ids. One uniform number per draw, that falls into the kept ids in their order: a seed gives the same ids whatever a filter
/// costs, and filters that keep everything change nothing. Allocates nothing after construction. Not thread-safe.
class Sampler {
 public:
  /// @throws Error usage when a parameter is out of its range.
  Sampler(const SamplerConfig& config, const Kernels& kernels, int64_t vocab);

  /// logits: (vocab) f32. @throws Error engine when a logit is not finite (NaN or +-infinity).
  [[nodiscard]] TokenId draw(std::span<const float> logits);
  /// Tells the penalties that an id is in the text now (prompt or output).
  void accept(TokenId id);

 private:
  [[nodiscard]] bool has_penalties() const;
  [[nodiscard]] bool has_filters() const;
  [[nodiscard]] std::span<const float> penalized(std::span<const float> logits);
  [[nodiscard]] std::size_t largest(std::span<const float> logits) const;
  [[nodiscard]] std::size_t pick(std::span<const float> logits, float top);
  void filter(std::span<const float> logits, float top);
  void keep(std::span<const float> values, Cut cut);

  SamplerConfig config_;
  const Kernels& kernels_;
  Rng rng_;
  std::vector<int> seen_;            // (vocab) times; empty without penalties
  std::vector<TokenId> seen_ids_;    // those that were seen
  std::vector<float> penalized_;     // (vocab) when penalties are on
  std::vector<float> weights_;       // (vocab)
  std::vector<double> block_sums_;   // of weights_, in blocks
  std::optional<CutFinder> cuts_;    // when there are filters, and with it:
  std::span<const float> kept_;      // logits that the filters so far leave
  bool all_kept_ = true;             // kept_ are still all of them
  std::vector<float> kept_logits_;   // (vocab)
  std::vector<int32_t> kept_ids_;    // (vocab) unless all are kept
  std::vector<int32_t> kept_index_;  // (vocab) scratch
};

}  // namespace ifm
