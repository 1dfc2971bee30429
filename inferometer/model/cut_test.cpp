#include "inferometer/model/cut.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/rng.h"

namespace ifm {
namespace {

struct Case {
  std::string name;
  std::vector<float> values;  // multiples of 2^-10 below 2^10: sums are exact in any order
};

float on_grid(double value) { return static_cast<float>(std::floor(value * 1024) / 1024); }

std::vector<Case> cases() {
  Rng rng(17);
  std::vector<Case> all{{"one", {3}}, {"two equal", {2, 2}}, {"equal", std::vector<float>(5000, 0.5F)}};
  std::vector<float> flat(20'000);
  std::vector<float> peaked(20'000);
  std::vector<float> few(20'000);
  std::vector<float> rare(20'000, 0.25F);  // what a sample of every 79th value does not see
  for (std::size_t i = 0; i < flat.size(); ++i) {
    flat[i] = on_grid(rng.uniform());
    peaked[i] = on_grid(std::pow(rng.uniform(), 60) * 900);
    few[i] = static_cast<float>(rng.below(3));
    if (i % 79 != 0) rare[i] = on_grid(500 + 100 * rng.uniform());
  }
  all.push_back({"flat", flat});
  all.push_back({"peaked", peaked});
  all.push_back({"few", few});
  all.push_back({"rare", rare});
  return all;
}

/// The definition, by sorting.
Cut expected_cut(std::vector<float> values, Weight weight, double need) {
  std::ranges::sort(values, std::ranges::greater());
  double sum = 0;
  std::size_t last = 0;
  for (; last + 1 < values.size(); ++last) {
    sum += weight == Weight::one ? 1.0 : static_cast<double>(values[last]);
    if (sum >= need) break;
  }
  const auto first = std::ranges::find(values, values[last]) - values.begin();
  return {values[last], static_cast<int64_t>(last) - first + 1};
}

class CutOnEachIsa : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Isa, CutOnEachIsa, ::testing::ValuesIn(available_isas()),
                         [](const ::testing::TestParamInfo<std::string>& tested) { return tested.param; });

TEST_P(CutOnEachIsa, IsWhereSortingPutsIt) {
  CutFinder finder(kernels_for(GetParam()), 20'000);
  for (const Case& c : cases()) {
    const auto n = static_cast<int64_t>(c.values.size());
    for (const Weight weight : {Weight::one, Weight::value}) {
      double total = 0;
      for (const float v : c.values) total += weight == Weight::one ? 1.0 : static_cast<double>(v);
      for (const double share : {1e-9, 1e-4, 0.003, 0.1, 0.5, 0.9, 0.999, 1.0}) {
        const Cut cut = finder.find(c.values.data(), n, weight, total, share * total);
        const Cut expected = expected_cut(c.values, weight, share * total);
        EXPECT_EQ(cut.value, expected.value) << c.name << ", share " << share << ", weight " << static_cast<int>(weight);
        EXPECT_EQ(cut.equals, expected.equals) << c.name << ", share " << share << ", weight " << static_cast<int>(weight);
      }
    }
  }
}

TEST_P(CutOnEachIsa, TakesAllWhenTheSumStaysBelow) {
  CutFinder finder(kernels_for(GetParam()), 20'000);
  for (const Case& c : cases()) {
    const Cut cut = finder.find(c.values.data(), static_cast<int64_t>(c.values.size()), Weight::value, 1.0, 1e9);
    const float least = *std::ranges::min_element(c.values);
    EXPECT_EQ(cut.value, least) << c.name;
    EXPECT_EQ(cut.equals, std::ranges::count(c.values, least)) << c.name;
  }
}

}  // namespace
}  // namespace ifm
