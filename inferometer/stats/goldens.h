#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inferometer/stats/interval.h"

/// For the tests of this folder: what numpy 2.4.6, scipy 1.17.1 and statsmodels 0.15.0 say (tools/goldens/make_stats_goldens.py).
namespace ifm::stats::goldens {

inline const nlohmann::json& all() {
  static const nlohmann::json parsed =
      nlohmann::json::parse(std::ifstream(IFM_SOURCE_DIR "/tests/golden/stats/stats_goldens.json"));
  return parsed;
}

inline std::vector<double> numbers(const nlohmann::json& list) { return list.get<std::vector<double>>(); }

/// Equal to `relative` of the expected size, or of `scale` where that is larger.
inline void expect_close(double actual, double expected, double relative = 1e-11, double scale = 0) {
  EXPECT_NEAR(actual, expected, relative * std::max(std::abs(expected), scale));
}

inline void expect_interval(const Interval& actual, const nlohmann::json& expected, double relative = 1e-11, double scale = 0) {
  expect_close(actual.low, expected[0].get<double>(), relative, scale);
  expect_close(actual.high, expected[1].get<double>(), relative, scale);
}

}  // namespace ifm::stats::goldens
