#pragma once

#include <cstdint>
#include <optional>
#include <span>

/// Permutation tests of means: no distribution is assumed, only that under the null hypothesis labels could be swapped.
namespace ifm::stats {

/// Two-sided: how often a relabelling gives a statistic at least as far from 0 as the one seen.
struct PermutationTest {
  double statistic = 0;
  double p = 1;
  uint64_t relabellings = 0;     ///< looked at, the one seen included
  std::optional<uint64_t> seed;  ///< of the drawn ones; null when all were looked at and p is exact
};

/// Mean of paired differences against 0, over signs. Exact for n ≤ 16 (2ⁿ signs), else p = (b + 1) / (draws + 1) of drawn ones
/// (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39). n ≥ 1; draws ≥ 99. Cost: O(2ⁿ) or O(draws · n).
[[nodiscard]] std::optional<PermutationTest> sign_flip_test(std::span<const double> differences, uint64_t seed, int draws = 9999);

/// Mean of b minus mean of a, over which values are b's. Exact while there are at most 2^16 choices, else drawn as above.
/// Both sides ≥ 1 value.
[[nodiscard]] std::optional<PermutationTest> two_sample_permutation_test(std::span<const double> a, std::span<const double> b,
                                                                         uint64_t seed, int draws = 9999);

}  // namespace ifm::stats
