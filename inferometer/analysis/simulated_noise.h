#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "inferometer/base/rng.h"
#include "inferometer/stats/distribution.h"

/// Noise of runs whose truth is known: for the test of coverage and for bench/coverage.cpp.
namespace ifm::simulated {

enum class NoiseKind { normal, lognormal, bimodal, drift, autoregressive };

inline const char* to_string(NoiseKind kind) {
  constexpr const char* kNames[] = {"normal", "lognormal", "bimodal", "linear drift", "AR(1) 0.5"};
  return kNames[static_cast<int>(kind)];
}

/// Factors 1 + 0.05 u around 1. u: N(0, 1); exp(N(0, 0.5)); N(0, 1) and in one run of four 5 more; N(0, 1) and a rise of 3 over
/// `drift_runs` runs; a stationary AR(1) of ρ = 0.5 and variance 1.
struct NoiseModel {
  NoiseKind kind = NoiseKind::normal;
  int drift_runs = 1;

  static constexpr double kScale = 0.05, kLogSd = 0.5, kSlowShare = 0.25, kSlower = 5, kRise = 3, kRho = 0.5;

  [[nodiscard]] std::vector<double> draw(size_t n, Rng& rng) const {
    const auto normal = [&rng] { return stats::normal_quantile(std::max(1e-15, rng.uniform())); };
    std::vector<double> factors;
    double last = normal();
    for (size_t i = 0; i < n; ++i) {
      double u = normal();
      if (kind == NoiseKind::lognormal) u = std::exp(kLogSd * u);
      if (kind == NoiseKind::bimodal && rng.uniform() < kSlowShare) u += kSlower;
      if (kind == NoiseKind::drift) u += rise(i);
      if (kind == NoiseKind::autoregressive) last = u = kRho * last + std::sqrt(1 - kRho * kRho) * u;
      factors.push_back(1 + kScale * u);
    }
    return factors;
  }

  /// The mean of the first n factors' distributions: their mean over the session.
  [[nodiscard]] double mean(size_t n) const {
    double u = 0;
    if (kind == NoiseKind::lognormal) u = std::exp(kLogSd * kLogSd / 2);
    if (kind == NoiseKind::bimodal) u = kSlowShare * kSlower;
    if (kind == NoiseKind::drift) u = rise(n - 1) / 2;
    return 1 + kScale * u;
  }

  /// Relative standard deviation around that, without the drift.
  [[nodiscard]] double sd() const {
    const double variance = kLogSd * kLogSd;
    if (kind == NoiseKind::lognormal) return kScale * std::sqrt(std::expm1(variance) * std::exp(variance));
    if (kind == NoiseKind::bimodal) return kScale * std::sqrt(1 + kSlower * kSlower * kSlowShare * (1 - kSlowShare));
    return kScale;
  }

  /// Quantile p of the mixture of the first n factors' distributions, by bisection.
  [[nodiscard]] double quantile(size_t n, double p) const {
    double low = -10, high = 30 + rise(n);
    while (high - low > 1e-10) {
      const double middle = (low + high) / 2;
      (share_below(middle, n) < p ? low : high) = middle;
    }
    return 1 + kScale * low;
  }

  [[nodiscard]] double rise(size_t i) const { return kind == NoiseKind::drift ? kRise * static_cast<double>(i) / drift_runs : 0; }

 private:
  [[nodiscard]] double share_below(double u, size_t n) const {
    if (kind == NoiseKind::lognormal) return u > 0 ? stats::normal_cdf(std::log(u) / kLogSd) : 0;
    if (kind == NoiseKind::bimodal) return (1 - kSlowShare) * stats::normal_cdf(u) + kSlowShare * stats::normal_cdf(u - kSlower);
    if (kind != NoiseKind::drift) return stats::normal_cdf(u);
    double share = 0;
    for (size_t i = 0; i < n; ++i) share += stats::normal_cdf(u - rise(i));
    return share / static_cast<double>(n);
  }
};

}  // namespace ifm::simulated
