#pragma once

#include <optional>
#include <span>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/stats/interval.h"

namespace ifm {

/// How two engines' next-token distributions stand to each other at one position of a text. The second one is the reference.
struct PositionAgreement {
  int window = 0;
  int position = 0;  ///< in its window; tokens before it in the cache
  double nll = 0;    ///< −ln p of the token that follows in the text, nats
  double reference_nll = 0;
  double kl = 0;            ///< KL(reference ‖ first), nats
  bool same_top = false;    ///< the same token is likeliest
  double margin_error = 0;  ///< how far the two differ about the difference between the reference's two highest logits
};

/// logits, reference: (vocab) f32, finite. target < vocab.
[[nodiscard]] PositionAgreement compare_at(std::span<const float> logits, std::span<const float> reference, TokenId target);

/// The index of the highest logit, the first of equals.
[[nodiscard]] TokenId top_of(std::span<const float> logits);

/// A mean over positions. ci95: a t interval over windows, weighted alike by position (positions of one window depend on each
/// other); null under 6 windows.
struct MeanOfPositions {
  double value = 0;
  std::optional<Interval> ci95;
};

/// Agreement from position `from` of a window up to `to`.
struct PositionBucket {
  int from = 0, to = 0;
  int positions = 0;
  double kl_mean = 0;
  double same_top = 0;
};

/// What all positions together say.
struct AgreementSummary {
  int positions = 0;
  int windows = 0;
  MeanOfPositions nll, reference_nll, kl;
  std::optional<double> kl_p99, kl_p999;  ///< null where there are fewer than 368 and 3,688 positions
  double kl_max = 0;
  double same_top = 0;  ///< share of positions
  double margin_error_p99 = 0, margin_error_max = 0;
  std::vector<PositionBucket> buckets;  ///< [0, 64), [64, 128), [128, 256), …; those with positions
};

/// positions: at least one, in order.
[[nodiscard]] AgreementSummary summarize(std::span<const PositionAgreement> positions);

}  // namespace ifm
