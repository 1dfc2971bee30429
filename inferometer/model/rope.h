#pragma once

#include <cstdint>
#include <vector>

#include "inferometer/format/model_config.h"

namespace ifm {

/// Angles of rotary position embedding. Source: Su et al. 2021 (RoFormer); Llama 3's scaling as in transformers 4.45's
/// modeling_rope_utils (`llama3`).
class Rope {
 public:
  Rope(const RopeConfig& config, int64_t head_dim);

  /// cos and sin of position's angles, each (head_dim / 2) f32, computed in double.
  void angles(int64_t position, float* cos, float* sin) const;
  [[nodiscard]] const std::vector<double>& frequencies() const { return frequencies_; }

 private:
  std::vector<double> frequencies_;  // (head_dim / 2) radians per position
};

}  // namespace ifm
