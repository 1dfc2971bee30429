#pragma once

/// Distribution functions (Boost.Math). Arguments must be in their domains; p in (0, 1).
namespace ifm::stats {

[[nodiscard]] double normal_cdf(double x);
[[nodiscard]] double normal_quantile(double p);
[[nodiscard]] double t_cdf(double t, double degrees_of_freedom);
[[nodiscard]] double t_quantile(double p, double degrees_of_freedom);
/// P(|T| ≥ |t|).
[[nodiscard]] double t_two_sided_p(double t, double degrees_of_freedom);
[[nodiscard]] double chi_squared_quantile(double p, double degrees_of_freedom);
/// P(F ≥ f); 1 for f ≤ 0.
[[nodiscard]] double f_upper_p(double f, double numerator_df, double denominator_df);
/// P(Bin(n, p) ≤ k); 0 for k < 0.
[[nodiscard]] double binomial_cdf(int k, int n, double p);
/// P(T ≥ t) of the noncentral t distribution.
[[nodiscard]] double noncentral_t_upper_p(double t, double degrees_of_freedom, double noncentrality);
/// Two-sided Fisher's exact test of two counts, a of n_a against b of n_b: tables no likelier than the one seen. With over 1,000
/// in every row and column by the normal distribution, corrected for continuity.
[[nodiscard]] double fisher_exact_p(int a, int n_a, int b, int n_b);

}  // namespace ifm::stats
