#include "inferometer/stats/distribution.h"

#include <algorithm>
#include <cmath>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace ifm::stats {

namespace bm = boost::math;

namespace {

constexpr int kMostTables = 1000;  ///< as few at least in each row and column: so many tables the sum of all is too slow for

/// By the normal distribution with the table's own mean and variance, corrected for continuity.
double normal_fisher_p(double a, double n_a, double b, double n_b) {
  const double all = n_a + n_b;
  const double successes = a + b;
  const double mean = successes * n_a / all;
  const double sd = std::sqrt(mean * (1 - successes / all) * n_b / (all - 1));
  return std::min(1.0, 2 * normal_cdf(-std::max(0.0, std::abs(a - mean) - 0.5) / sd));
}

}  // namespace

double normal_cdf(double x) { return bm::cdf(bm::normal(), x); }

double normal_quantile(double p) { return bm::quantile(bm::normal(), p); }

double t_cdf(double t, double degrees_of_freedom) { return bm::cdf(bm::students_t(degrees_of_freedom), t); }

double t_quantile(double p, double degrees_of_freedom) { return bm::quantile(bm::students_t(degrees_of_freedom), p); }

double t_two_sided_p(double t, double degrees_of_freedom) {
  return std::min(1.0, 2 * bm::cdf(bm::complement(bm::students_t(degrees_of_freedom), std::abs(t))));
}

double chi_squared_quantile(double p, double degrees_of_freedom) { return bm::quantile(bm::chi_squared(degrees_of_freedom), p); }

double f_upper_p(double f, double numerator_df, double denominator_df) {
  if (!(f > 0)) return 1;
  return bm::cdf(bm::complement(bm::fisher_f(numerator_df, denominator_df), f));
}

double binomial_cdf(int k, int n, double p) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return bm::cdf(bm::binomial(n, p), k);
}

double noncentral_t_upper_p(double t, double degrees_of_freedom, double noncentrality) {
  return bm::cdf(bm::complement(bm::non_central_t(degrees_of_freedom, noncentrality), t));
}

double fisher_exact_p(int a, int n_a, int b, int n_b) {
  const int successes = a + b;
  const int failures = n_a + n_b - successes;
  if (std::min({successes, failures, n_a, n_b}) > kMostTables) return normal_fisher_p(a, n_a, b, n_b);
  const bm::hypergeometric table(static_cast<unsigned>(successes), static_cast<unsigned>(n_a), static_cast<unsigned>(n_a + n_b));
  const double seen = bm::pdf(table, a);
  double p = 0;
  for (int k = std::max(0, successes - n_b); k <= std::min(successes, n_a); ++k) {
    const double likelihood = bm::pdf(table, k);
    if (likelihood <= seen * (1 + 1e-7)) p += likelihood;  // the slack takes in tables as likely but for rounding
  }
  return std::min(1.0, p);
}

}  // namespace ifm::stats
