#!/usr/bin/env python3
"""Writes tests/golden/stats/stats_goldens.json: what numpy, scipy and statsmodels say, for stats/*_test.cpp.

Needs numpy, scipy and statsmodels; their versions stand in the file. Run it from anywhere; the output is the same each time.
"""
import itertools
import json
import math
import pathlib
import warnings

import numpy as np
import scipy
import scipy.stats as st
import statsmodels
import statsmodels.api as sm
from scipy.optimize import brentq
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW
from statsmodels.tsa.stattools import acf

warnings.filterwarnings("error")
OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "stats" / "stats_goldens.json"
RNG = np.random.default_rng(20260101)
NEW = np.random.default_rng(20261129)  # of what was added later: so that the older values stay


def pair(interval):
    return [float(interval[0]), float(interval[1])]


def hettmansperger_sheather(values, level=0.95):
    """Written from the paper: interpolate the coverage between two nested pairs of order statistics."""
    x, n = np.sort(values), len(values)
    depths = [d for d in range(1, n // 2 + 1) if 1 - 2 * st.binom.cdf(d - 1, n, 0.5) >= level]
    if not depths:
        return None
    d = max(depths)
    outer, inner = 1 - 2 * st.binom.cdf(d - 1, n, 0.5), 1 - 2 * st.binom.cdf(d, n, 0.5)
    i = (outer - level) / (outer - inner)
    lam = (n - d) * i / (d + (n - 2 * d) * i)
    return pair([(1 - lam) * x[d - 1] + lam * x[d], (1 - lam) * x[n - d] + lam * x[n - d - 1]])


def describe():
    cases = []
    for n in (2, 3, 5, 6, 7, 9, 18, 35, 36, 54):
        x = np.exp(0.3 * RNG.standard_normal(n))
        case = {"values": x.tolist(), "mean": float(np.mean(x)), "sd": float(np.std(x, ddof=1)), "gmean": float(st.gmean(x)),
                "quantiles": [[p, float(np.quantile(x, p))] for p in (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)],
                "mean_ci95": pair(st.t.interval(0.95, n - 1, np.mean(x), st.sem(x))),
                "mean_ci90": pair(st.t.interval(0.90, n - 1, np.mean(x), st.sem(x))),
                "median_ci95": hettmansperger_sheather(x)}
        case["lag1"] = float(acf(x, nlags=1, fft=False)[1]) if n > 2 else None
        for name, q in (("median_order_ci95", 0.5), ("p90_ci95", 0.9)):
            ci = st.quantile_test(x, q=np.quantile(x, q), p=q).confidence_interval(0.95)
            case[name] = pair(ci) if math.isfinite(ci.low) and math.isfinite(ci.high) else None
        cases.append(case)
    return cases


def distributions():
    return {
        "t_cdf": [[t, df, float(st.t.cdf(t, df))] for t in (-3.2, -0.4, 0.0, 1.7) for df in (1, 2, 7, 36, 500)],
        "t_quantile": [[p, df, float(st.t.ppf(p, df))] for p in (0.025, 0.5, 0.95, 0.975) for df in (1, 2, 7, 36, 500)],
        "f_upper": [[f, a, b, float(st.f.sf(f, a, b))] for f in (0.2, 1.0, 4.5, 30.0) for a, b in ((1, 10), (3, 50))],
        "binomial": [[k, n, p, float(st.binom.cdf(k, n, p))] for k, n, p in ((0, 6, 0.5), (3, 9, 0.5), (35, 36, 0.9), (20, 54, 0.4))],
        "nct_upper": [[t, df, nc, float(st.nct.sf(t, df, nc))] for t, df, nc in ((2.05, 26, 2.9), (2.2, 11, 1.0), (-2.05, 26, 2.9), (4.3, 2, 5.0))],
        "fisher": [[a, m, b, n, float(st.fisher_exact([[a, m - a], [b, n - b]])[1])] for a, m, b, n in ((0, 10, 5, 10), (1, 54, 9, 54), (3, 7, 3, 7), (0, 5, 0, 5))],
    }


def pooled():
    cells = [RNG.normal(m, 0.05 * m, n) for m, n in ((1.0, 3), (2.0, 5), (4.0, 1), (3.0, 2))]
    n, df = sum(map(len, cells)), sum(len(c) - 1 for c in cells)
    levels = np.concatenate([np.full(len(c), i) for i, c in enumerate(cells)])
    fit = sm.OLS(np.concatenate(cells), np.eye(len(cells))[levels]).fit()
    sd = math.sqrt(fit.mse_resid)
    mean = np.mean(np.concatenate(cells))
    half = st.t.ppf(0.975, df) * sd / math.sqrt(n)
    return {"cells": [c.tolist() for c in cells], "sd": sd, "df": int(fit.df_resid), "ci95": [mean - half, mean + half]}


def lines():
    cases = []
    for n, noise in ((12, 0.05), (54, 0.02)):
        x = RNG.choice([64, 128, 256], n).astype(float)
        y = 0.15 + 0.019 * x + noise * x / 100 * RNG.standard_normal(n)
        fit = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC3", use_t=True)
        ahead = fit.get_prediction([[1.0, 500.0]])
        cases.append({"x": x.tolist(), "y": y.tolist(), "intercept": fit.params[0], "slope": fit.params[1], "r2": fit.rsquared,
                      "intercept_se": fit.bse[0], "slope_se": fit.bse[1], "intercept_ci95": pair(fit.conf_int()[0]),
                      "slope_ci95": pair(fit.conf_int()[1]), "ci95_at_500": pair(ahead.conf_int()[0])})
    return cases


def dummies(levels):
    return np.column_stack([(levels == v).astype(float) for v in sorted(set(levels))[1:]])


def anova_case(balanced):
    design = np.array([row for row in itertools.product(range(3), range(3), range(2), range(3))])  # prompt, length, temperature, block
    if not balanced:
        design = design[RNG.permutation(len(design))[:47]]
    prompt, length, temperature, block = design.T
    y = (0.02 * prompt + np.array([0.7, 1.3, 2.0])[length] + 0.004 * temperature + 0.01 * block + 0.05 * (prompt == 1) * (length == 2)
         + 0.02 * RNG.standard_normal(len(design)))
    factors = {"prompt": prompt, "max_tokens": length, "temperature": temperature, "block": block}
    cells = (prompt * 3 + length) * 2 + temperature
    one = np.ones((len(y), 1))
    ssr = lambda parts: sm.OLS(y, np.column_stack([one] + parts)).fit().ssr
    columns = {name: dummies(levels) for name, levels in factors.items()}
    total = float(np.sum((y - y.mean()) ** 2))
    gain = {name: 0.0 for name in factors}
    orders = list(itertools.permutations(factors))
    for order in orders:  # Lindeman, Merenda, Gold: the mean over all orders
        for i, name in enumerate(order):
            gain[name] += (ssr([columns[o] for o in order[:i]]) - ssr([columns[o] for o in order[:i + 1]])) / len(orders)
    main = ssr(list(columns.values()))
    full_matrix = np.column_stack([one] + list(columns.values()) + [dummies(cells)])
    basis = np.linalg.svd(full_matrix, full_matrices=False)
    rank = int(np.sum(basis[1] > 1e-9 * basis[1][0]))
    full = float(np.sum((y - basis[0][:, :rank] @ (basis[0][:, :rank].T @ y)) ** 2))
    fit = sm.OLS(y, np.column_stack([one] + list(columns.values()))).fit(cov_type="HC3", use_t=True)
    effects, at = {}, 1
    for name in factors:
        width = columns[name].shape[1]
        contrast = np.zeros((width, len(fit.params)))
        contrast[:, at:at + width] = np.eye(width)
        effects[name] = {"share": gain[name] / total, "df": width, "p": float(fit.wald_test(contrast, use_f=True, scalar=True).pvalue)}
        at += width
    effects["interactions"] = {"share": (main - full) / total, "df": rank - at, "p": None}
    effects["residual"] = {"share": full / total, "df": len(y) - rank, "p": None}
    case = {"y": y.tolist(), "factors": {k: v.tolist() for k, v in factors.items()}, "cells": cells.tolist(), "effects": effects}
    if balanced:
        import pandas as pd
        frame = pd.DataFrame(dict(factors, y=y))
        table = anova_lm(sm.OLS.from_formula("y ~ C(prompt) + C(max_tokens) + C(temperature) + C(block)", frame).fit(), typ=2)
        case["type2_share"] = {name: float(table.loc[f"C({name})", "sum_sq"]) / total for name in factors}
    return case


def nested_models():
    x = RNG.choice([64, 128, 256], 30)
    y = 0.1 + 0.02 * x + 1e-6 * x.astype(float) ** 2 + 0.05 * RNG.standard_normal(30)
    small = sm.OLS(y, sm.add_constant(x.astype(float))).fit()
    large = sm.OLS(y, np.column_stack([np.ones(30), dummies(x)])).fit()
    f, p, df = large.compare_f_test(small)
    return {"x": x.tolist(), "y": y.tolist(), "f": float(f), "p": float(p), "numerator_df": int(df), "denominator_df": int(large.df_resid)}


def detectable(n, alpha=0.05, power=0.8):
    """In units of the sd of differences; statsmodels, whose solver stops at about 1e-5, must agree to that."""
    df, critical = n - 1, st.t.ppf(1 - alpha / 2, n - 1)
    missing = lambda d: st.nct.sf(critical, df, d * math.sqrt(n)) + st.nct.cdf(-critical, df, d * math.sqrt(n)) - power
    d = brentq(missing, 1e-6, 6 / math.sqrt(n), xtol=1e-14, rtol=1e-14)
    assert abs(TTestPower().solve_power(nobs=n, alpha=alpha, power=power) / d - 1) < 2e-5
    return d


def paired():
    cases = []
    for n, shift, sd in ((2, 0.01, 0.02), (6, 0.03, 0.01), (9, 0.0, 0.02), (18, 0.002, 0.006), (27, 0.0, 0.01)):
        d = RNG.normal(shift, sd, n)
        wilcoxon = {a: float(st.wilcoxon(d, alternative=a, method="exact").pvalue) for a in ("two-sided", "less", "greater")}
        test = st.ttest_1samp(d, 0)
        tost = DescrStatsW(d).ttost_mean(-0.01, 0.01)[0]
        cases.append({"differences": d.tolist(), "t": float(test.statistic), "p": float(test.pvalue), "tost_p": float(tost),
                      "wilcoxon": wilcoxon, "w_plus": float(st.wilcoxon(d, alternative="greater", method="exact").statistic),
                      "walsh_median": float(np.median([(d[i] + d[j]) / 2 for i in range(n) for j in range(i, n)])),
                      "detectable_over_sd": detectable(n) if n > 2 else None})
    p = [0.04, 0.001, 0.03, 0.2, 0.012]
    return {"cases": cases, "holm": {"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()}}


def theil_sen():
    cases = []
    for n, ties in ((8, False), (25, False), (20, True)):
        x = np.arange(n, dtype=float) if not ties else RNG.integers(0, 8, n).astype(float)
        y = 0.5 + 0.03 * x + 0.1 * RNG.standard_normal(n)
        if ties:
            y = np.round(y, 1)
        fit = st.theilslopes(y, x, 0.95)
        cases.append({"x": x.tolist(), "y": y.tolist(), "slope": float(fit.slope), "ci95": pair([fit.low_slope, fit.high_slope])})
    return cases


def bootstrap():
    x = np.exp(0.4 * RNG.standard_normal(25))
    result = st.bootstrap((x,), np.mean, n_resamples=200000, confidence_level=0.95, method="BCa", rng=np.random.default_rng(7), batch=10000)
    return {"values": x.tolist(), "mean_bca95": pair(result.confidence_interval)}


def histogram():
    """Gaps of tokens in ns: most near 20 ms, some much longer."""
    x = np.floor(2e7 * np.exp(0.2 * NEW.standard_normal(2000)) * np.where(NEW.random(2000) < 0.02, 30, 1)).astype(np.int64)
    return {"values": x.tolist(), "min": int(x.min()), "max": int(x.max()), "mean": float(x.mean()),
            "quantiles": [[p, float(np.quantile(x, p))] for p in (0.0, 0.001, 0.05, 0.5, 0.9, 0.99, 0.999, 1.0)]}


def permutation():
    """Exact p values: every relabelling is looked at (n_resamples=inf); statistics are absolute, so that both tails count."""
    paired, two_sample = [], []
    for n, shift in ((4, 1.0), (9, 0.6), (13, -0.5)):
        d = NEW.normal(shift, 1, n)
        result = st.permutation_test((d,), lambda x, axis: np.abs(np.mean(x, axis=axis)), permutation_type="samples",
                                     n_resamples=np.inf, alternative="greater", vectorized=True)
        paired.append({"differences": d.tolist(), "mean": float(d.mean()), "p": float(result.pvalue)})
    for n, m, shift in ((4, 5, 1.0), (8, 6, 0.8), (3, 9, -1.0)):
        a, b = NEW.normal(0, 1, n), NEW.normal(shift, 1, m)
        far = lambda x, y, axis: np.abs(np.mean(y, axis=axis) - np.mean(x, axis=axis))
        result = st.permutation_test((a, b), far, permutation_type="independent", n_resamples=np.inf, alternative="greater", vectorized=True)
        two_sample.append({"a": a.tolist(), "b": b.tolist(), "difference": float(b.mean() - a.mean()), "p": float(result.pvalue)})
    return {"paired": paired, "two_sample": two_sample}


def outliers():
    cases = []
    for x in (NEW.normal(10, 1, 15), np.append(NEW.normal(10, 1, 20), [19.0, -2.0]), np.array([4.0] * 7 + [4.5, 9.0])):
        mad = st.median_abs_deviation(x, scale=1.0)
        spread = mad / st.norm.ppf(0.75) if mad > 0 else np.mean(np.abs(x - np.median(x))) * math.sqrt(math.pi / 2)
        z = (x - np.median(x)) / spread
        cases.append({"values": x.tolist(), "spread": float(spread), "z": z.tolist(), "marked": np.flatnonzero(np.abs(z) > 3.5).tolist()})
    return cases


def components():
    import pandas as pd
    cases = []
    for sizes, between in (((4, 4, 4, 4, 4), 1.0), ((2, 7, 3, 5), 0.5), ((3, 3, 3), 0.0), ((6, 5, 1, 4), 0.0)):
        groups = [NEW.normal(between * NEW.standard_normal(), 0.4, size) for size in sizes]
        frame = pd.DataFrame({"y": np.concatenate(groups), "g": np.repeat(range(len(sizes)), sizes)})
        table = anova_lm(sm.OLS.from_formula("y ~ C(g)", frame).fit())
        within, total = float(table.loc["Residual", "mean_sq"]), sum(sizes)
        n0 = (total - sum(size**2 for size in sizes) / total) / (len(sizes) - 1)
        estimate = (float(table.loc["C(g)", "mean_sq"]) - within) / n0
        cases.append({"groups": [g.tolist() for g in groups], "within": within, "between": max(0.0, estimate), "group_size": n0,
                      "negative": estimate < 0})
    return cases


def effective():
    cases = []
    for n, rho in ((12, 0.0), (30, 0.5), (60, 0.8)):
        x = [NEW.standard_normal()]
        for _ in range(n - 1):
            x.append(rho * x[-1] + math.sqrt(1 - rho * rho) * NEW.standard_normal())
        corrected = min(0.99, max(-0.99, (n * float(acf(np.array(x), nlags=1, fft=False)[1]) + 1) / (n - 3)))
        cases.append({"values": x, "correlation": corrected, "size": min(n, max(1, n * (1 - corrected) / (1 + corrected)))})
    return cases


def cluster_bootstrap():
    """The mean of pooled values is the ratio of the clusters' sums and sizes, which scipy resamples in pairs."""
    clusters = [NEW.normal(20 + 2 * NEW.standard_normal(), 1, int(NEW.integers(5, 30))) for _ in range(25)]
    sums, sizes = np.array([c.sum() for c in clusters]), np.array([float(len(c)) for c in clusters])
    ratio = lambda s, k, axis: np.sum(s, axis=axis) / np.sum(k, axis=axis)
    result = st.bootstrap((sums, sizes), ratio, n_resamples=200000, paired=True, vectorized=True, confidence_level=0.95, method="BCa",
                          rng=np.random.default_rng(7), batch=10000)
    return {"clusters": [c.tolist() for c in clusters], "mean_bca95": pair(result.confidence_interval)}


def time_structure():
    """Values of cells, relative to their means, on the time inside cells: statsmodels; the rule of stats/time_structure.h after that."""
    cases = []
    for n, cells, rho, rise in ((40, 1, 0.0, 0.0), (45, 3, 0.6, 0.0), (60, 4, 0.0, 0.1)):
        cell = np.tile(np.arange(cells), n)[:n]
        times = np.cumsum(NEW.uniform(0.5, 1.5, n))
        noise = [NEW.standard_normal()]
        for _ in range(n - 1):
            noise.append(rho * noise[-1] + math.sqrt(1 - rho * rho) * NEW.standard_normal())
        x = (cell + 1.0) * (1 + 0.03 * np.array(noise) + rise * times / times[-1])
        of_cell = lambda v: np.array([v[cell == c].mean() for c in range(cells)])[cell]
        relative, dt = x / of_cell(x) - 1, times - of_cell(times)
        fit = sm.OLS(relative, np.column_stack([np.eye(cells)[cell], dt])).fit()
        correlation = float(acf(fit.resid, nlags=1, fft=False)[1]) + 2 / n
        rho_used = min(0.85, max(0.0, 1.3 * correlation))
        factor = (1 + rho_used) / (1 - rho_used)

        def interval(mask):
            means, used = of_cell(x)[mask], len(set(cell[mask]))
            kept = (mask.sum() - used) * fit.df_resid / (fit.df_resid + 1)
            squares = (x[mask] - means * (1 + fit.params[-1] * dt[mask])) ** 2
            variance = np.sum(squares) / kept * factor
            of_cells = [(np.sum(squares[cell[mask] == c]), np.sum(cell[mask] == c) - 1) for c in set(cell[mask])]
            pooled = min(mask.sum() - used, np.sum(squares) ** 2 / sum(s * s / (d + 2) for s, d in of_cells))
            known = pooled * fit.df_resid / (fit.df_resid + 1)
            half = st.t.ppf(0.975, max(min(known, 2.0), known / factor)) * math.sqrt(variance / mask.sum())
            return [float(x[mask].mean() - half), float(x[mask].mean() + half)]

        cases.append({"values": x.tolist(), "cells": cell.tolist(), "times": times.tolist(), "df": int(fit.df_resid),
                      "slope": float(fit.params[-1]), "trend_p": float(fit.pvalues[-1]), "correlation": correlation, "factor": factor,
                      "mean_ci95": interval(np.full(n, True)), "second_cell_ci95": interval(cell == min(1, cells - 1))})
    return cases


def main():
    goldens = {
        "made_by": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
        "describe": describe(), "distributions": distributions(), "pooled": pooled(), "lines": lines(),
        "anova_balanced": anova_case(True), "anova_unbalanced": anova_case(False), "nested_models": nested_models(),
        "paired": paired(), "theil_sen": theil_sen(), "bootstrap": bootstrap(),
        "histogram": histogram(), "permutation": permutation(), "outliers": outliers(), "components": components(),
        "effective": effective(), "cluster_bootstrap": cluster_bootstrap(),
        "time_structure": time_structure(),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(goldens, indent=1) + "\n")
    print(OUTPUT)


if __name__ == "__main__":
    main()
