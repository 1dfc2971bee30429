#include "inferometer/stats/anova.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "inferometer/base/check.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/linear.h"

namespace ifm::stats {
namespace {

using Columns = std::vector<Column>;

Basis intercept_basis(size_t n) {
  Basis basis(n);
  basis.add(Column(n, 1.0));
  return basis;
}

void add_all(Basis& basis, const Columns& columns) {
  for (const Column& column : columns) basis.add(column);
}

/// Solves A x = b for a symmetric positive definite A by Cholesky and returns b' A⁻¹ b; null when A is not.
std::optional<double> quadratic_form(Columns a, Column b) {
  const size_t n = b.size();
  double total = 0;
  for (size_t j = 0; j < n; ++j) {
    const double before = a[j][j];
    for (size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    if (!(a[j][j] > 1e-12 * before)) return std::nullopt;
    a[j][j] = std::sqrt(a[j][j]);
    for (size_t i = j + 1; i < n; ++i) {
      for (size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
    for (size_t k = 0; k < j; ++k) b[j] -= a[j][k] * b[k];
    b[j] /= a[j][j];
    total += b[j] * b[j];
  }
  return total;
}

/// Wald test of the columns that `full` has beyond its first `others` basis vectors.
std::optional<double> robust_p(const Basis& full, int others, std::span<const double> y) {
  const auto first = static_cast<size_t>(others);
  const size_t q = full.vectors().size() - first;
  const int denominator_df = static_cast<int>(y.size()) - full.rank();
  if (q == 0 || denominator_df < 1) return std::nullopt;
  const Column residuals = full.residual(y);
  const Column leverages = full.leverages();
  Column weights(y.size());
  for (size_t i = 0; i < y.size(); ++i) {
    if (1 - leverages[i] < 1e-9) return std::nullopt;
    weights[i] = std::pow(residuals[i] / (1 - leverages[i]), 2);
  }
  Columns covariance(q, Column(q, 0.0));
  Column coefficients(q, 0.0);
  for (size_t a = 0; a < q; ++a) {
    const Column& u = full.vectors()[first + a];
    for (size_t i = 0; i < y.size(); ++i) coefficients[a] += u[i] * y[i];
    for (size_t b = 0; b < q; ++b) {
      const Column& v = full.vectors()[first + b];
      for (size_t i = 0; i < y.size(); ++i) covariance[a][b] += u[i] * v[i] * weights[i];
    }
  }
  const std::optional<double> wald = quadratic_form(covariance, coefficients);
  if (!wald) return std::nullopt;
  return f_upper_p(*wald / static_cast<double>(q), static_cast<double>(q), denominator_df);
}

/// Sum of squares explained by each subset of the factors (bit i = factor i).
std::vector<double> explained_by_subset(std::span<const double> y, const std::vector<Columns>& columns, double total) {
  const size_t subsets = size_t{1} << columns.size();
  std::vector<double> explained(subsets, 0.0);
  for (size_t subset = 1; subset < subsets; ++subset) {
    Basis basis = intercept_basis(y.size());
    for (size_t f = 0; f < columns.size(); ++f)
      if ((subset >> f) & 1) add_all(basis, columns[f]);
    explained[subset] = std::max(0.0, total - basis.residual_ss(y));
  }
  return explained;
}

/// Mean over all orders of what factor f adds to those before it.
double mean_gain(const std::vector<double>& explained, size_t f, size_t factors) {
  // 1 / (factors * C(factors − 1, s)): how often a set of s others stands before f, over all orders.
  std::vector<double> weight(factors, 1.0 / static_cast<double>(factors));
  for (size_t s = 1; s < factors; ++s) weight[s] = weight[s - 1] * static_cast<double>(s) / static_cast<double>(factors - s);
  double gain = 0;
  for (size_t subset = 0; subset < explained.size(); ++subset) {
    if ((subset >> f) & 1) continue;
    gain += weight[static_cast<size_t>(std::popcount(subset))] * (explained[subset | (size_t{1} << f)] - explained[subset]);
  }
  return gain;
}

Effect effect_of(size_t f, const Factor& factor, const std::vector<Columns>& columns, std::span<const double> y) {
  Effect effect;
  effect.name = factor.name;
  Basis basis = intercept_basis(y.size());
  for (size_t other = 0; other < columns.size(); ++other)
    if (other != f) add_all(basis, columns[other]);
  const int others = basis.rank();
  add_all(basis, columns[f]);
  effect.degrees_of_freedom = basis.rank() - others;
  effect.p_value = robust_p(basis, others, y);
  return effect;
}

}  // namespace

std::optional<std::vector<Effect>> variance_shares(std::span<const double> y, std::span<const Factor> factors,
                                                   std::span<const int> cells) {
  IFM_CHECK(factors.size() <= 10 && cells.size() == y.size());
  const double total = sum_of_squares(y);
  if (y.size() < 3 || !(total > 0)) return std::nullopt;
  std::vector<const Factor*> used;
  std::vector<Columns> columns;
  for (const Factor& factor : factors) {
    IFM_CHECK(factor.levels.size() == y.size());
    Columns c = factor_columns(factor.levels);
    if (c.empty()) continue;
    used.push_back(&factor);
    columns.push_back(std::move(c));
  }
  std::vector<Effect> effects;
  const std::vector<double> explained = explained_by_subset(y, columns, total);
  for (size_t f = 0; f < used.size(); ++f) {
    effects.push_back(effect_of(f, *used[f], columns, y));
    effects.back().share = mean_gain(explained, f, used.size()) / total;
  }
  Basis full = intercept_basis(y.size());
  for (const Columns& c : columns) add_all(full, c);
  const int main_rank = full.rank();
  const double main_ss = explained.back();
  add_all(full, factor_columns(cells));
  double all_ss = main_ss;
  const bool separable = full.rank() > main_rank && full.rank() < static_cast<int>(y.size());
  if (separable) {  // otherwise combinations cannot be told from repeats
    all_ss = std::max(main_ss, total - full.residual_ss(y));
    effects.push_back({"interactions", full.rank() - main_rank, (all_ss - main_ss) / total, std::nullopt});
  }
  const int rank = separable ? full.rank() : main_rank;
  effects.push_back({"residual", static_cast<int>(y.size()) - rank, (total - all_ss) / total, std::nullopt});
  return effects;
}

}  // namespace ifm::stats
