#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "inferometer/base/rng.h"
#include "inferometer/base/token_id.h"
#include "inferometer/kernel/kernels.h"

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

/// Draws ids from logits: penalties, top-k, top-p, min-p, temperature, in this order. One uniform number per draw, so a seed
/// gives the same ids whatever the filters' cost. Not thread-safe.
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
  void penalize(std::span<float> logits) const;
  [[nodiscard]] TokenId draw_all(std::span<const float> logits);
  [[nodiscard]] TokenId draw_filtered(std::span<const float> logits);

  SamplerConfig config_;
  const Kernels& kernels_;
  Rng rng_;
  std::vector<int> seen_;         // (vocab) times; empty without penalties
  std::vector<float> penalized_;  // (vocab) when penalties are on
  std::vector<float> weights_;    // (vocab)
  struct Candidate {
    float logit;
    TokenId id;
  };
  std::vector<Candidate> candidates_;
};

}  // namespace ifm
