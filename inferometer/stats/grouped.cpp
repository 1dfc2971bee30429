#include "inferometer/stats/grouped.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "inferometer/base/check.h"
#include "inferometer/stats/distribution.h"

namespace ifm::stats {
namespace {

constexpr double kDependent = 1e-10;    ///< a column's squared remainder relative to its square, below which it is not new
constexpr double kFullLeverage = 1e-9;  ///< an observation with 1 − leverage below this determines its own fit

using Columns = std::vector<Column>;

Moments whole_of(std::span<const Moments> y) {
  Moments whole;
  for (const Moments& group : y) whole.merge(group);
  return whole;
}

/// b' A⁻¹ b for a symmetric positive A, over the columns chosen, and how many of them are new beside those before.
struct Form {
  double value = 0;
  int rank = 0;
};

Form quadratic_form(const Columns& a, const Column& b, std::span<const size_t> chosen) {
  Form form;
  std::vector<size_t> kept;
  Columns rows;  // of the Cholesky factor
  Column solved;
  for (const size_t j : chosen) {
    Column row(kept.size());
    double pivot = a[j][j];
    double rest = b[j];
    for (size_t k = 0; k < kept.size(); ++k) {
      double value = a[j][kept[k]];
      for (size_t m = 0; m < k; ++m) value -= row[m] * rows[k][m];
      row[k] = value / rows[k][k];
      pivot -= row[k] * row[k];
      rest -= row[k] * solved[k];
    }
    if (!(pivot > kDependent * a[j][j])) continue;
    row.push_back(std::sqrt(pivot));
    solved.push_back(rest / row.back());
    form.value += solved.back() * solved.back();
    ++form.rank;
    kept.push_back(j);
    rows.push_back(std::move(row));
  }
  return form;
}

/// Columns around their means, multiplied with each other and with y.
struct CrossProducts {
  Columns gram;
  Column with_y;
};

CrossProducts cross_products(Columns columns, std::span<const Moments> y) {
  const Moments whole = whole_of(y);
  const auto n = static_cast<double>(whole.n);
  CrossProducts products;
  for (Column& column : columns) {
    double mean = 0;
    for (size_t g = 0; g < y.size(); ++g) mean += static_cast<double>(y[g].n) * column[g] / n;
    double along = 0;
    for (size_t g = 0; g < y.size(); ++g) {
      column[g] = (column[g] - mean) * std::sqrt(static_cast<double>(y[g].n));
      along += column[g] * std::sqrt(static_cast<double>(y[g].n)) * (y[g].mean - whole.mean);
    }
    products.with_y.push_back(along);
  }
  products.gram.assign(columns.size(), Column(columns.size(), 0.0));
  for (size_t i = 0; i < columns.size(); ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double product = 0;
      for (size_t g = 0; g < y.size(); ++g) product += columns[i][g] * columns[j][g];
      products.gram[i][j] = products.gram[j][i] = product;
    }
  }
  return products;
}

Column weighted_means(std::span<const Moments> y) {
  Column means;
  for (const Moments& group : y) means.push_back(std::sqrt(static_cast<double>(group.n)) * group.mean);
  return means;
}

/// Wald test with HC3 errors of the columns that `full` has beyond its first `others` basis vectors.
std::optional<double> robust_p(const Basis& full, int others, std::span<const Moments> y) {
  const auto first = static_cast<size_t>(others);
  const size_t q = full.vectors().size() - first;
  const auto denominator_df = static_cast<double>(whole_of(y).n - full.rank());
  if (q == 0 || denominator_df < 1) return std::nullopt;
  const Column means = weighted_means(y);
  const Column residuals = full.residual(means);
  const Column leverages = full.leverages();
  Column weights(y.size());  // Σ (residual / (1 − leverage))² of a group, over its count
  for (size_t g = 0; g < y.size(); ++g) {
    const auto n = static_cast<double>(y[g].n);
    const double free = 1 - leverages[g] / n;
    if (free < kFullLeverage) return std::nullopt;
    weights[g] = (y[g].squares + residuals[g] * residuals[g]) / (free * free) / n;
  }
  Columns covariance(q, Column(q, 0.0));
  Column coefficients(q, 0.0);
  std::vector<size_t> all;
  for (size_t a = 0; a < q; ++a) {
    all.push_back(a);
    const Column& u = full.vectors()[first + a];
    for (size_t g = 0; g < y.size(); ++g) coefficients[a] += u[g] * means[g];
    for (size_t b = 0; b < q; ++b) {
      const Column& v = full.vectors()[first + b];
      for (size_t g = 0; g < y.size(); ++g) covariance[a][b] += u[g] * v[g] * weights[g];
    }
  }
  const Form wald = quadratic_form(covariance, coefficients, all);
  if (wald.rank < static_cast<int>(q)) return std::nullopt;
  return f_upper_p(wald.value / static_cast<double>(q), static_cast<double>(q), denominator_df);
}

/// A factor's columns among all.
struct Used {
  const Factor* factor;
  std::vector<size_t> columns;
};

void add_all(Basis& basis, const Columns& columns, std::span<const size_t> chosen, std::span<const Moments> y) {
  for (const size_t c : chosen) basis.add(weighted(columns[c], y));
}

Effect effect_of(size_t f, const std::vector<Used>& used, const Columns& columns, std::span<const Moments> y) {
  Effect effect;
  effect.name = used[f].factor->name;
  Basis basis(y.size());
  basis.add(weighted(Column(y.size(), 1.0), y));
  for (size_t other = 0; other < used.size(); ++other)
    if (other != f) add_all(basis, columns, used[other].columns, y);
  const int others = basis.rank();
  add_all(basis, columns, used[f].columns, y);
  effect.degrees_of_freedom = basis.rank() - others;
  effect.p_value = robust_p(basis, others, y);
  return effect;
}

/// Mean over all orders of what each factor adds to those before it.
std::vector<double> mean_gains(const std::vector<double>& explained, size_t factors) {
  std::vector<double> weight(factors, 1.0 / static_cast<double>(factors));
  for (size_t s = 1; s < factors; ++s) weight[s] = weight[s - 1] * static_cast<double>(s) / static_cast<double>(factors - s);
  std::vector<double> gains(factors, 0.0);
  for (size_t subset = 0; subset < explained.size(); ++subset) {
    size_t others = 0;
    for (size_t f = 0; f < factors; ++f) others += (subset >> f) & 1;
    for (size_t f = 0; f < factors; ++f) {
      if (((subset >> f) & 1) == 0) gains[f] += weight[others] * (explained[subset | (size_t{1} << f)] - explained[subset]);
    }
  }
  return gains;
}

std::vector<double> explained_by_subset(const CrossProducts& products, const std::vector<Used>& used) {
  std::vector<double> explained(size_t{1} << used.size(), 0.0);
  for (size_t subset = 1; subset < explained.size(); ++subset) {
    std::vector<size_t> chosen;
    for (size_t f = 0; f < used.size(); ++f)
      if ((subset >> f) & 1) chosen.insert(chosen.end(), used[f].columns.begin(), used[f].columns.end());
    explained[subset] = quadratic_form(products.gram, products.with_y, chosen).value;
  }
  return explained;
}

}  // namespace

Column weighted(std::span<const double> column, std::span<const Moments> y) {
  IFM_CHECK(column.size() == y.size());
  Column result;
  result.reserve(y.size());
  for (size_t g = 0; g < y.size(); ++g) result.push_back(std::sqrt(static_cast<double>(y[g].n)) * column[g]);
  return result;
}

std::optional<Line> fit_line(std::span<const LineGroup> groups, double level) {
  Moments all_x;
  Moments all_y;
  for (const LineGroup& group : groups) {
    all_x.merge({group.y.n, group.x, 0});
    all_y.merge(group.y);
  }
  const double spread = all_x.squares;
  if (all_x.n < 3 || !(spread > 0)) return std::nullopt;
  const auto n = static_cast<double>(all_x.n);
  Line line;
  line.n = static_cast<int>(all_x.n);
  for (const LineGroup& group : groups)
    line.slope += static_cast<double>(group.y.n) * (group.x - all_x.mean) * (group.y.mean - all_y.mean) / spread;
  line.intercept = all_y.mean - line.slope * all_x.mean;
  double residual_ss = 0;
  for (const LineGroup& group : groups) {
    const double dx = group.x - all_x.mean;
    const double e = group.y.mean - all_y.mean - line.slope * dx;
    const double free = 1 - 1 / n - dx * dx / spread;  // 1 − leverage
    if (free < kFullLeverage) return std::nullopt;
    const double squares = group.y.squares + static_cast<double>(group.y.n) * e * e;
    residual_ss += squares;
    const double weight = squares / (free * free);
    const double to_slope = dx / spread;
    const double to_intercept = 1 / n - all_x.mean * to_slope;
    line.slope_se += to_slope * to_slope * weight;
    line.intercept_se += to_intercept * to_intercept * weight;
    line.covariance += to_slope * to_intercept * weight;
  }
  line.slope_se = std::sqrt(line.slope_se);
  line.intercept_se = std::sqrt(line.intercept_se);
  line.r2 = all_y.squares > 0 ? 1 - residual_ss / all_y.squares : 1;
  const double t = t_quantile(0.5 + level / 2, n - 2);
  line.intercept_interval = {line.intercept - t * line.intercept_se, line.intercept + t * line.intercept_se};
  line.slope_interval = {line.slope - t * line.slope_se, line.slope + t * line.slope_se};
  return line;
}

std::optional<FTest> compare_models(const Basis& smaller, const Basis& larger, std::span<const Moments> y) {
  double within = 0;
  for (const Moments& group : y) within += group.squares;
  FTest test;
  test.numerator_df = larger.rank() - smaller.rank();
  test.denominator_df = static_cast<int>(whole_of(y).n) - larger.rank();
  if (test.numerator_df < 1 || test.denominator_df < 1) return std::nullopt;
  const Column means = weighted_means(y);
  const double left = within + larger.residual_ss(means);
  const double explained = std::max(0.0, within + smaller.residual_ss(means) - left);
  const double noise = left / test.denominator_df;
  if (!(noise > 0)) return std::nullopt;
  test.f = explained / test.numerator_df / noise;
  test.p = f_upper_p(test.f, test.numerator_df, test.denominator_df);
  return test;
}

std::optional<std::vector<Effect>> variance_shares(std::span<const Moments> y, std::span<const Factor> factors,
                                                   std::span<const int> cells) {
  IFM_CHECK(factors.size() <= 10 && cells.size() == y.size());
  IFM_CHECK(std::all_of(y.begin(), y.end(), [](const Moments& group) { return group.n > 0; }));
  const Moments whole = whole_of(y);
  const double total = whole.squares;
  if (whole.n < 3 || !(total > 0)) return std::nullopt;
  std::vector<Used> used;
  Columns columns;
  std::vector<size_t> all;
  for (const Factor& factor : factors) {
    IFM_CHECK(factor.levels.size() == y.size());
    Columns added = factor_columns(factor.levels);
    if (added.empty()) continue;
    used.push_back({&factor, {}});
    for (Column& column : added) {
      used.back().columns.push_back(columns.size());
      all.push_back(columns.size());
      columns.push_back(std::move(column));
    }
  }
  Columns with_cells = columns;
  std::vector<size_t> all_and_cells = all;
  for (Column& column : factor_columns(cells)) {
    all_and_cells.push_back(with_cells.size());
    with_cells.push_back(std::move(column));
  }
  const CrossProducts products = cross_products(std::move(with_cells), y);
  const std::vector<double> gains = mean_gains(explained_by_subset(products, used), used.size());
  std::vector<Effect> effects;
  for (size_t f = 0; f < used.size(); ++f) {
    effects.push_back(effect_of(f, used, columns, y));
    effects.back().share = gains[f] / total;
  }
  const Form main = quadratic_form(products.gram, products.with_y, all);
  const Form full = quadratic_form(products.gram, products.with_y, all_and_cells);
  // Otherwise combinations cannot be told from repeats. One degree is the mean's.
  const bool separable = full.rank > main.rank && full.rank + 1 < whole.n;
  if (separable)
    effects.push_back({"interactions", full.rank - main.rank, std::max(0.0, full.value - main.value) / total, std::nullopt});
  const Form& kept = separable ? full : main;
  effects.push_back({"residual", static_cast<int>(whole.n) - kept.rank - 1,
                     std::max(0.0, total - std::max(kept.value, main.value)) / total, std::nullopt});
  return effects;
}

}  // namespace ifm::stats
