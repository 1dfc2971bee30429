#include "inferometer/measure/agreement.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "inferometer/base/check.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

constexpr int kFirstBucket = 64;
/// Fewest windows for an interval over windows.
constexpr std::size_t kForInterval = 6;

/// ln of the sum of exp(z).
double log_sum(std::span<const float> z) {
  const double highest = *std::ranges::max_element(z);
  double sum = 0;
  for (const float value : z) sum += std::exp(value - highest);
  return highest + std::log(sum);
}

/// The index of the highest logit but `top`.
std::size_t second_of(std::span<const float> z, std::size_t top) {
  std::size_t second = top == 0 ? 1 : 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    if (i != top && z[i] > z[second]) second = i;
  }
  return second;
}

using Value = double PositionAgreement::*;

/// Mean over positions as the ratio of sums over windows; its error is that of the ratio's linearization (Cochran, Sampling
/// Techniques, 6.4).
MeanOfPositions mean_of(std::span<const PositionAgreement> positions, Value value) {
  std::map<int, std::pair<double, int>> windows;  // sum, count
  double sum = 0;
  for (const PositionAgreement& p : positions) {
    windows[p.window].first += p.*value;
    ++windows[p.window].second;
    sum += p.*value;
  }
  const auto count = static_cast<double>(positions.size());
  MeanOfPositions mean{.value = sum / count, .ci95 = {}};
  std::vector<double> parts;
  for (const auto& [window, of] : windows) {
    // Mean plus the window's pull on it: these have the mean's value as their mean and its error as theirs.
    const double pull = (of.first - mean.value * of.second) * static_cast<double>(windows.size()) / count;
    parts.push_back(mean.value + pull);
  }
  if (parts.size() >= kForInterval) mean.ci95 = stats::mean_interval(parts);
  return mean;
}

/// Null where there are too few values for a two-sided interval (METHOD 5).
std::optional<double> shown_quantile(std::span<const double> values, double p) {
  return stats::quantile_interval(values, p) ? stats::quantile(values, p) : std::nullopt;
}

std::vector<PositionBucket> buckets_of(std::span<const PositionAgreement> positions) {
  std::map<int, PositionBucket> buckets;
  for (const PositionAgreement& p : positions) {
    int from = 0;
    int to = kFirstBucket;
    while (p.position >= to) {
      from = to;
      to *= 2;
    }
    PositionBucket& bucket = buckets[from];
    bucket.from = from;
    bucket.to = to;
    ++bucket.positions;
    bucket.kl_mean += p.kl;
    bucket.same_top += p.same_top ? 1 : 0;
  }
  std::vector<PositionBucket> result;
  for (auto& [from, bucket] : buckets) {
    bucket.kl_mean /= bucket.positions;
    bucket.same_top /= bucket.positions;
    result.push_back(bucket);
  }
  return result;
}

}  // namespace

TokenId top_of(std::span<const float> logits) { return static_cast<TokenId>(std::ranges::max_element(logits) - logits.begin()); }

PositionAgreement compare_at(std::span<const float> logits, std::span<const float> reference, TokenId target) {
  IFM_CHECK(logits.size() == reference.size() && logits.size() > 1);
  const auto next = static_cast<std::size_t>(target);
  IFM_CHECK(next < logits.size());
  const double sum = log_sum(logits);
  const double reference_sum = log_sum(reference);
  double kl = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double log_p = reference[i] - reference_sum;
    kl += std::exp(log_p) * (log_p - (logits[i] - sum));
  }
  const auto top = static_cast<std::size_t>(top_of(reference));
  const std::size_t second = second_of(reference, top);
  const double margin = static_cast<double>(reference[top]) - reference[second];
  return {.nll = sum - logits[next],
          .reference_nll = reference_sum - reference[next],
          .kl = std::max(0.0, kl),  // rounding may make it a little less than its lower bound
          .same_top = static_cast<std::size_t>(top_of(logits)) == top,
          .margin_error = std::abs(static_cast<double>(logits[top]) - logits[second] - margin)};
}

AgreementSummary summarize(std::span<const PositionAgreement> positions) {
  IFM_CHECK(!positions.empty());
  std::vector<double> kl, margin_error;
  double same = 0;
  for (const PositionAgreement& p : positions) {
    kl.push_back(p.kl);
    margin_error.push_back(p.margin_error);
    same += p.same_top ? 1 : 0;
  }
  const auto count = static_cast<int>(positions.size());
  AgreementSummary all{.positions = count,
                       .windows = positions.back().window - positions.front().window + 1,
                       .nll = mean_of(positions, &PositionAgreement::nll),
                       .reference_nll = mean_of(positions, &PositionAgreement::reference_nll),
                       .kl = mean_of(positions, &PositionAgreement::kl),
                       .kl_max = *stats::maximum(kl),
                       .same_top = same / count,
                       .margin_error_p99 = *stats::quantile(margin_error, 0.99),
                       .margin_error_max = *stats::maximum(margin_error),
                       .buckets = buckets_of(positions)};
  all.kl_p99 = shown_quantile(kl, 0.99);
  all.kl_p999 = shown_quantile(kl, 0.999);
  return all;
}

}  // namespace ifm
