#include "inferometer/stats/linear.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "inferometer/base/check.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"

namespace ifm::stats {
namespace {

constexpr double kDependent = 1e-10;    ///< a column's remainder relative to its length, below which it is not new
constexpr double kFullLeverage = 1e-9;  ///< an observation with 1 − leverage below this determines its own fit

double dot(std::span<const double> a, std::span<const double> b) {
  IFM_CHECK(a.size() == b.size());
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

void remove_projection(Column& y, const std::vector<Column>& vectors) {
  for (int pass = 0; pass < 2; ++pass) {  // the second pass takes away what rounding left of the first
    for (const Column& v : vectors) {
      const double along = dot(v, y);
      for (size_t i = 0; i < y.size(); ++i) y[i] -= along * v[i];
    }
  }
}

}  // namespace

bool Basis::add(std::span<const double> column) {
  IFM_CHECK(column.size() == observations_);
  Column rest(column.begin(), column.end());
  const double length = std::sqrt(dot(rest, rest));
  remove_projection(rest, vectors_);
  const double remainder = std::sqrt(dot(rest, rest));
  if (!(remainder > kDependent * length)) return false;
  for (double& x : rest) x /= remainder;
  vectors_.push_back(std::move(rest));
  return true;
}

Column Basis::residual(std::span<const double> y) const {
  IFM_CHECK(y.size() == observations_);
  Column rest(y.begin(), y.end());
  remove_projection(rest, vectors_);
  return rest;
}

double Basis::residual_ss(std::span<const double> y) const {
  const Column rest = residual(y);
  return dot(rest, rest);
}

Column Basis::leverages() const {
  Column h(observations_, 0.0);
  for (const Column& v : vectors_)
    for (size_t i = 0; i < observations_; ++i) h[i] += v[i] * v[i];
  return h;
}

std::vector<Column> factor_columns(std::span<const int> levels) {
  const std::set<int> distinct(levels.begin(), levels.end());
  std::vector<Column> columns;
  for (const int level : distinct) {
    if (level == *distinct.begin()) continue;
    Column column;
    for (const int x : levels) column.push_back(x == level ? 1.0 : 0.0);
    columns.push_back(std::move(column));
  }
  return columns;
}

Interval Line::interval_at(double x, double level) const {
  const double variance = intercept_se * intercept_se + 2 * x * covariance + x * x * slope_se * slope_se;
  const double half = t_quantile(0.5 + level / 2, n - 2) * std::sqrt(std::max(0.0, variance));
  return {at(x) - half, at(x) + half};
}

std::optional<Line> fit_line(std::span<const double> x, std::span<const double> y, double level) {
  IFM_CHECK(x.size() == y.size());
  const double spread = sum_of_squares(x);
  if (x.size() < 3 || !(spread > 0)) return std::nullopt;
  const double mean_x = *mean(x);
  const double mean_y = *mean(y);
  const auto n = static_cast<double>(x.size());
  Line line;
  line.n = static_cast<int>(x.size());
  for (size_t i = 0; i < x.size(); ++i) line.slope += (x[i] - mean_x) * (y[i] - mean_y) / spread;
  line.intercept = mean_y - line.slope * mean_x;
  double residual_ss = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x;
    const double e = y[i] - mean_y - line.slope * dx;
    const double free = 1 - 1 / n - dx * dx / spread;  // 1 − leverage
    if (free < kFullLeverage) return std::nullopt;
    residual_ss += e * e;
    const double weight = (e / free) * (e / free);
    const double to_slope = dx / spread;
    const double to_intercept = 1 / n - mean_x * to_slope;
    line.slope_se += to_slope * to_slope * weight;
    line.intercept_se += to_intercept * to_intercept * weight;
    line.covariance += to_slope * to_intercept * weight;
  }
  line.slope_se = std::sqrt(line.slope_se);
  line.intercept_se = std::sqrt(line.intercept_se);
  const double total_ss = sum_of_squares(y);
  line.r2 = total_ss > 0 ? 1 - residual_ss / total_ss : 1;
  const double t = t_quantile(0.5 + level / 2, n - 2);
  line.intercept_interval = {line.intercept - t * line.intercept_se, line.intercept + t * line.intercept_se};
  line.slope_interval = {line.slope - t * line.slope_se, line.slope + t * line.slope_se};
  return line;
}

std::optional<FTest> compare_models(const Basis& smaller, const Basis& larger, std::span<const double> y) {
  FTest test;
  test.numerator_df = larger.rank() - smaller.rank();
  test.denominator_df = static_cast<int>(y.size()) - larger.rank();
  if (test.numerator_df < 1 || test.denominator_df < 1) return std::nullopt;
  const double left = larger.residual_ss(y);
  const double explained = std::max(0.0, smaller.residual_ss(y) - left);
  const double noise = left / test.denominator_df;
  if (!(noise > 0)) return std::nullopt;
  test.f = explained / test.numerator_df / noise;
  test.p = f_upper_p(test.f, test.numerator_df, test.denominator_df);
  return test;
}

}  // namespace ifm::stats
