#include "inferometer/stats/permutation.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "inferometer/base/check.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"

namespace ifm::stats {
namespace {

constexpr uint64_t kMostExact = uint64_t{1} << 16;

/// Sums that differ by rounding only count as equal.
double slack_of(std::span<const double> values) {
  double size = 0;
  for (const double x : values) size += std::abs(x);
  return 1e-12 * size;
}

/// C(n, k), or something above `most` as soon as it is.
uint64_t choices(uint64_t n, uint64_t k, uint64_t most) {
  uint64_t count = 1;
  for (uint64_t i = 1; i <= k && count <= most; ++i) count = count * (n - k + i) / i;
  return count;
}

/// The next larger number with as many bits set. Source: Beeler, Gosper and Schroeppel 1972, HAKMEM 175.
uint64_t next_choice(uint64_t bits) {
  const uint64_t lowest = bits & (~bits + 1);
  const uint64_t ripple = bits + lowest;
  return ripple | (((bits ^ ripple) >> 2U) / lowest);
}

double sum_of(std::span<const double> values, uint64_t chosen) {
  double total = 0;
  for (; chosen != 0; chosen &= chosen - 1) total += values[static_cast<size_t>(std::countr_zero(chosen))];
  return total;
}

}  // namespace

std::optional<PermutationTest> sign_flip_test(std::span<const double> differences, uint64_t seed, int draws) {
  IFM_CHECK(draws >= 99);
  if (differences.empty()) return std::nullopt;
  const size_t n = differences.size();
  const double total = sum(differences);
  const double bound = std::abs(total) - slack_of(differences);
  PermutationTest test{.statistic = total / static_cast<double>(n), .p = 1, .relabellings = 0, .seed = {}};
  uint64_t extreme = 0;
  if (n <= 16) {
    test.relabellings = uint64_t{1} << n;
    for (uint64_t flipped = 0; flipped < test.relabellings; ++flipped)
      extreme += std::abs(total - 2 * sum_of(differences, flipped)) >= bound ? 1 : 0;
  } else {
    Rng rng(seed);
    test.seed = seed;
    test.relabellings = static_cast<uint64_t>(draws) + 1;
    extreme = 1;  // the signs seen are one of the possible ones
    for (int draw = 0; draw < draws; ++draw) {
      double flipped = 0;
      for (const double x : differences) flipped += (rng() >> 63U) != 0 ? x : -x;
      extreme += std::abs(flipped) >= bound ? 1 : 0;
    }
  }
  test.p = static_cast<double>(extreme) / static_cast<double>(test.relabellings);
  return test;
}

std::optional<PermutationTest> two_sample_permutation_test(std::span<const double> a, std::span<const double> b, uint64_t seed,
                                                           int draws) {
  IFM_CHECK(draws >= 99);
  if (a.empty() || b.empty()) return std::nullopt;
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  const double centre = *mean(all);
  for (double& x : all) x -= centre;  // then the difference of means is b's sum times a constant
  const size_t n = all.size();
  const double seen = sum(std::span(all).subspan(a.size()));
  const double bound = std::abs(seen) - slack_of(all);
  const auto scale = static_cast<double>(n) / (static_cast<double>(a.size()) * static_cast<double>(b.size()));
  PermutationTest test{.statistic = seen * scale, .p = 1, .relabellings = 0, .seed = {}};
  uint64_t extreme = 0;
  const uint64_t count = choices(n, b.size(), kMostExact);
  if (n < 64 && count <= kMostExact) {
    test.relabellings = count;
    uint64_t chosen = (uint64_t{1} << b.size()) - 1;
    for (uint64_t i = 0; i < count; ++i, chosen = next_choice(chosen)) extreme += std::abs(sum_of(all, chosen)) >= bound ? 1 : 0;
  } else {
    Rng rng(seed);
    test.seed = seed;
    test.relabellings = static_cast<uint64_t>(draws) + 1;
    extreme = 1;
    for (int draw = 0; draw < draws; ++draw) {
      double total = 0;
      for (size_t i = 0; i < b.size(); ++i) {  // the first steps of a Fisher–Yates shuffle draw b's values
        std::swap(all[i], all[i + static_cast<size_t>(rng.below(n - i))]);
        total += all[i];
      }
      extreme += std::abs(total) >= bound ? 1 : 0;
    }
  }
  test.p = static_cast<double>(extreme) / static_cast<double>(test.relabellings);
  return test;
}

}  // namespace ifm::stats
