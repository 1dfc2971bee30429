#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "inferometer/stats/interval.h"

namespace ifm::stats {

/// A column of a design matrix or a response: one value per observation.
using Column = std::vector<double>;

/// An orthonormal basis of the space spanned by columns that are added one at a time; columns that lie in it already (to
/// 1e-10 of their length) add nothing. So projections work for unbalanced and confounded designs alike.
class Basis {
 public:
  explicit Basis(size_t observations) : observations_(observations) {}
  /// Adds a column; whether it was new. Cost: O(observations * rank).
  bool add(std::span<const double> column);
  [[nodiscard]] int rank() const { return static_cast<int>(vectors_.size()); }
  [[nodiscard]] size_t observations() const { return observations_; }
  [[nodiscard]] const std::vector<Column>& vectors() const { return vectors_; }
  /// What is left of y after projection onto the basis.
  [[nodiscard]] Column residual(std::span<const double> y) const;
  /// |residual(y)|².
  [[nodiscard]] double residual_ss(std::span<const double> y) const;
  /// Diagonal of the projection, one per observation.
  [[nodiscard]] Column leverages() const;

 private:
  size_t observations_;
  std::vector<Column> vectors_;
};

/// Columns of 0 and 1, one per level that occurs in `levels` except the first: a factor beside an intercept.
[[nodiscard]] std::vector<Column> factor_columns(std::span<const int> levels);

/// y = intercept + slope * x by least squares. Errors: HC3 (MacKinnon and White 1985, J. Econometrics 29, 305-325),
/// intervals with t and n − 2 degrees of freedom.
struct Line {
  int n = 0;
  double intercept = 0, slope = 0;
  double r2 = 0;  ///< 1 when y has no spread
  double intercept_se = 0, slope_se = 0;
  double covariance = 0;  ///< of intercept and slope
  Interval intercept_interval, slope_interval;
  [[nodiscard]] double at(double x) const { return intercept + slope * x; }
  /// Interval of the line (not of a new observation) at x.
  [[nodiscard]] Interval interval_at(double x, double level = 0.95) const;
};
/// n ≥ 3, two distinct x at least, each of which leaves its observation a leverage under 1; else nullopt.
[[nodiscard]] std::optional<Line> fit_line(std::span<const double> x, std::span<const double> y, double level = 0.95);

/// Test of nested least-squares models: F and its p; null when the larger has no new column or leaves no residual degrees.
struct FTest {
  double f = 0, p = 1;
  int numerator_df = 0, denominator_df = 0;
};
[[nodiscard]] std::optional<FTest> compare_models(const Basis& smaller, const Basis& larger, std::span<const double> y);

}  // namespace ifm::stats
