"""Statistics of docs/method.md with numpy and scipy; None where there is nothing to say."""
import functools
import itertools
import math

import numpy as np
from scipy import integrate, optimize
from scipy import stats as st


def t_ppf(p, df):
    """scipy's own is off by 2e-11 at one degree of freedom (1.15); two Newton steps on its cdf mend that."""
    t = st.t.ppf(p, df)
    for _ in range(2):
        t -= (st.t.cdf(t, df) - p) / st.t.pdf(t, df)
    return float(t)


def mean(x):
    return float(np.mean(x)) if len(x) else None


def sd(x):
    return float(np.std(x, ddof=1)) if len(x) > 1 else None


def pooled(cells):
    """sd inside cells and its degrees of freedom."""
    cells = [np.asarray(c, float) for c in cells if len(c)]
    df = sum(len(c) for c in cells) - len(cells)
    if df < 1:
        return None, 0
    return math.sqrt(sum(float(np.sum((c - c.mean()) ** 2)) for c in cells) / df), df


LEAST_FOR_TIME = 30


def of_cell_means(v, cell):
    means = {c: np.mean([x for x, k in zip(v, cell) if k == c]) for c in set(cell)}
    return np.array([means[c] for c in cell])


def time_structure(points):
    """points: (value, cell, hours) in order of execution. Values relative to their cells' means on the time inside cells; what is left
    gives the lag-1 correlation, + 2 / n for its bias, 1.3 times that the variance factor of an AR(1) process."""
    n = len(points)
    if n < LEAST_FOR_TIME:
        return None
    x, cell, times = np.array([p[0] for p in points], float), [p[1] for p in points], np.array([p[2] for p in points], float)
    means, df = of_cell_means(x, cell), n - len(set(cell)) - 1
    dt = times - of_cell_means(times, cell)
    if df < 1 or np.any(means <= 0) or not np.any(dt != 0):
        return None
    relative = x / means - 1
    slope = float(relative @ dt / (dt @ dt))
    left = relative - slope * dt
    variance = float(np.sum((left - left.mean()) ** 2)) / df
    if variance <= 1e-18:
        return {"slope": slope, "df": df, "drifts": abs(slope) * math.sqrt(dt @ dt / n) > 1e-9, "dependent": False, "factor": 1.0}
    correlation = lag1(left) + 2 / n
    rho = min(0.85, max(0.0, 1.3 * correlation))
    p = 2 * st.t.sf(abs(slope) / math.sqrt(variance / (dt @ dt)), df)
    return {"slope": slope, "df": df, "drifts": p < 0.05, "dependent": correlation * math.sqrt(n) > st.norm.ppf(0.9),
            "factor": (1 + rho) / (1 - rho)}


def mean_interval(points, time):
    """t interval of the mean over the session's time: variance about cells and trend, times the factor."""
    if time is None or len(points) - len({p[1] for p in points}) < 1:
        return None
    x, cell, times = np.array([p[0] for p in points], float), [p[1] for p in points], np.array([p[2] for p in points], float)
    left = x - of_cell_means(x, cell) * (1 + time["slope"] * (times - of_cell_means(times, cell)))
    of_cells = [(float(np.sum(left[np.array(cell) == c] ** 2)), cell.count(c) - 1) for c in set(cell)]
    degrees, fourth = len(x) - len(set(cell)), sum(s * s / (d + 2) for s, d in of_cells)
    pooled_degrees = min(degrees, float(left @ left) ** 2 / fourth) if fourth > 0 else degrees  # Satterthwaite
    kept = time["df"] / (time["df"] + 1)
    variance = float(left @ left) / (degrees * kept) * time["factor"]
    known = pooled_degrees * kept
    half = t_ppf(0.975, max(min(known, 2.0), known / time["factor"])) * math.sqrt(variance / len(x))
    return float(x.mean() - half), float(x.mean() + half)


def stretched(ends, centre, time):
    return tuple(float(centre + math.sqrt(time["factor"]) * (end - centre)) for end in ends)


def cv_within(cells):
    if any(v <= 0 for c in cells for v in c):
        return None
    spread, _ = pooled([np.log(c) for c in cells])
    return None if spread is None else math.sqrt(math.expm1(spread**2))


def cv_within_interval(cells):
    """By chi-square, as if the logs were normal."""
    if any(v <= 0 for c in cells for v in c):
        return None
    spread, df = pooled([np.log(c) for c in cells])
    if spread is None:
        return None
    ends = np.array([spread**2 * df / float(st.chi2.ppf(p, df)) for p in (0.975, 0.025)])
    with np.errstate(over="ignore"):
        low, high = np.sqrt(np.expm1(ends))
    return (float(low), float(high)) if np.isfinite(high) else None  # two repeats that differ much leave the upper end open


def median_interval(x):
    """Hettmansperger and Sheather's interpolation between nested order-statistic intervals."""
    x, n = np.sort(x), len(x)
    coverage = [1 - 2 * st.binom.cdf(d - 1, n, 0.5) for d in range(n // 2 + 2)]
    depths = [d for d in range(1, n // 2 + 1) if coverage[d] >= 0.95 - 1e-12]
    if not depths:
        return None
    d = max(depths)
    i = (coverage[d] - 0.95) / (coverage[d] - coverage[d + 1])
    w = (n - d) * i / (d + (n - 2 * d) * i)
    return float((1 - w) * x[d - 1] + w * x[d]), float((1 - w) * x[n - d] + w * x[n - d - 1])


def p90_interval(x):
    x, n = np.sort(x), len(x)
    lows = [k for k in range(1, n + 1) if st.binom.cdf(k - 1, n, 0.9) <= 0.025 + 1e-12]
    highs = [k for k in range(1, n + 1) if st.binom.sf(k - 1, n, 0.9) <= 0.025 + 1e-12]
    if not lows or not highs:
        return None
    return float(x[max(lows) - 1]), float(x[min(highs) - 1])


def span(columns):
    """An orthonormal basis of the columns' span."""
    u, s, _ = np.linalg.svd(np.column_stack(columns), full_matrices=False)
    return u[:, s > 1e-9 * s[0]]


def dummies(levels):
    names = sorted(set(levels), key=lambda v: (str(type(v)), v))
    return [np.array([float(v == name) for v in levels]) for name in names[1:]]


def residual(basis, y):
    return y - basis @ (basis.T @ y)


def line_hc3(x, y):
    """Least squares y over x; HC3 covariance; t with n − 2. None without two distinct x, or when a point fixes its own fit."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) < 3 or len(set(x)) < 2:
        return None
    design = np.column_stack([np.ones_like(x), x])
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    if np.any(1 - leverage < 1e-9):
        return None
    error = y - design @ beta
    covariance = inverse @ (design.T * (error / (1 - leverage)) ** 2) @ design @ inverse
    t = t_ppf(0.975, len(x) - 2)
    at = lambda v: (float(v @ beta - t * math.sqrt(v @ covariance @ v)), float(v @ beta + t * math.sqrt(v @ covariance @ v)))
    r2 = 1 - float(error @ error) / float(np.sum((y - y.mean()) ** 2))
    return {"fixed": float(beta[0]), "slope": float(beta[1]), "fixed_ci": at(np.array([1.0, 0.0])), "slope_ci": at(np.array([0.0, 1.0])),
            "r2": r2, "at_500": float(beta[0] + 500 * beta[1]), "at_500_ci": at(np.array([1.0, 500.0])),
            "at": lambda n: float(beta[0] + n * beta[1]), "ci_at": lambda n: at(np.array([1.0, n]))}


def nested_f_p(small, large, y):
    """p of the F test that the larger model's further columns are not needed."""
    a, b = span(small), span(large)
    df1, df2 = b.shape[1] - a.shape[1], len(y) - b.shape[1]
    if df1 < 1 or df2 < 1:
        return None
    rss_a, rss_b = (float(np.sum(residual(m, y) ** 2)) for m in (a, b))
    return float(st.f.sf(max(0.0, rss_a - rss_b) / df1 / (rss_b / df2), df1, df2))


def wald_hc3_p(others, own, y):
    basis = span(others)
    rest = [residual(basis, c) for c in own]
    rest = [c for c in rest if np.linalg.norm(c) > 1e-9 * math.sqrt(len(y))]
    if not rest:
        return None
    new = span(rest)
    full = np.column_stack([basis, new])
    q, df2 = new.shape[1], len(y) - full.shape[1]
    leverage = np.sum(full**2, axis=1)
    if df2 < 1 or np.any(1 - leverage < 1e-9):
        return None
    weight = (residual(full, y) / (1 - leverage)) ** 2
    covariance = (new.T * weight) @ new
    g = new.T @ y
    return float(st.f.sf(float(g @ np.linalg.solve(covariance, g)) / q, q, df2))


def variance_shares(y, factors, cells):
    """[(name, share, degrees of freedom, p)]: Lindeman–Merenda–Gold shares, HC3 Wald tests; then what a mean per cell adds; then the
    rest."""
    y = np.asarray(y, float)
    if len(y) < 3:
        return None
    total = float(np.sum((y - y.mean()) ** 2))
    if not total > 0:
        return None
    one = np.ones(len(y))
    columns = {name: dummies(levels) for name, levels in factors.items() if len(set(levels)) > 1}
    names = list(columns)
    explained = {}
    for size in range(len(names) + 1):
        for subset in itertools.combinations(names, size):
            basis = span([one] + [c for name in subset for c in columns[name]])
            explained[frozenset(subset)] = total - float(np.sum(residual(basis, y) ** 2))
    result = []
    for name in names:
        others = [o for o in names if o != name]
        gain = 0.0
        for size in range(len(others) + 1):
            weight = math.factorial(size) * math.factorial(len(names) - size - 1) / math.factorial(len(names))
            for subset in itertools.combinations(others, size):
                gain += weight * (explained[frozenset(subset) | {name}] - explained[frozenset(subset)])
        rest = [one] + [c for o in others for c in columns[o]]
        df = span(rest + columns[name]).shape[1] - span(rest).shape[1]
        result.append((name, gain / total, df, wald_hc3_p(rest, columns[name], y)))
    main = [one] + [c for name in names for c in columns[name]]
    main_rank, full = span(main).shape[1], span(main + dummies(cells))
    main_ss = explained[frozenset(names)]
    all_ss, rank = main_ss, main_rank
    if main_rank < full.shape[1] < len(y):
        all_ss, rank = total - float(np.sum(residual(full, y) ** 2)), full.shape[1]
        result.append(("interactions", (all_ss - main_ss) / total, rank - main_rank, None))
    result.append(("residual", (total - all_ss) / total, len(y) - rank, None))
    return result


def log_ratio_test(low, high):
    """Of log(high / low): mean, sd, two-sided t p-value, 90 % and 95 % intervals. None under two pairs."""
    d = np.log(np.asarray(high) / np.asarray(low))
    n = len(d)
    if n < 2:
        return None
    centre, spread = float(np.mean(d)), float(np.std(d, ddof=1))
    half = lambda level: t_ppf(0.5 + level / 2, n - 1) * spread / math.sqrt(n)
    return {"mean": centre, "sd": spread, "p": float(st.ttest_1samp(d, 0).pvalue), "n": n,
            "ci90": (centre - half(0.90), centre + half(0.90)), "ci95": (centre - half(0.95), centre + half(0.95))}


def paired_power(effect_over_sd, n):
    """Power of the two-sided 5 % t test, by integrating the normal over the distribution of the estimated sd."""
    df, shift = n - 1, effect_over_sd * math.sqrt(n)
    critical = t_ppf(0.975, df)
    density = lambda s: 2 * df * s * st.chi2.pdf(df * s * s, df)
    outside = lambda s: st.norm.sf(critical * s - shift) + st.norm.cdf(-critical * s - shift)
    low, high = math.sqrt(st.chi2.ppf(1e-14, df) / df), math.sqrt(st.chi2.isf(1e-14, df) / df)
    points = np.linspace(low, high, 9)
    return sum(integrate.quad(lambda s: density(s) * outside(s), a, b, epsabs=1e-14, epsrel=1e-13)[0] for a, b in zip(points, points[1:]))


@functools.cache
def detectable_in_sds(n):
    """Smallest effect, in standard deviations of the differences, that 80 % power shows."""
    high = 1.0
    while paired_power(high, n) < 0.8:
        high *= 2
    return optimize.brentq(lambda d: paired_power(d, n) - 0.8, 0, high, xtol=1e-14, rtol=1e-13)


def detectable(spread, n):
    """The same as a relative effect."""
    return math.expm1(spread * detectable_in_sds(n))


def holm(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted, running = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = running
    return adjusted


def within_cell_trend(cells):
    """Median of slopes between runs of one cell, and Sen's interval from Kendall's S; cells: [(x, y)]."""
    slopes, variance = [], 0.0
    term = lambda k: k * (k - 1) * (2 * k + 5)
    for x, y in cells:
        slopes += [(y[j] - y[i]) / (x[j] - x[i]) for i, j in itertools.combinations(range(len(x)), 2) if x[i] != x[j]]
        variance += term(len(x))
        for values in (x, y):
            variance -= sum(term(int(k)) for k in np.unique(values, return_counts=True)[1])
    if not slopes:
        return None, None
    slopes = np.sort(slopes)
    reach = st.norm.ppf(0.975) * math.sqrt(max(0.0, variance) / 18)
    high, low = int(np.round((len(slopes) + reach) / 2)), int(np.round((len(slopes) - reach) / 2)) - 1
    interval = (float(slopes[low]), float(slopes[high])) if low >= 0 and high < len(slopes) else None
    return float(np.median(slopes)), interval


def effective_size(x):
    """n (1 − ρ) / (1 + ρ) of an AR(1) process whose lag-1 correlation is corrected for its bias."""
    n, r = len(x), lag1(x)
    if n < 5 or r is None:
        return None
    rho = min(0.99, max(-0.99, (n * r + 1) / (n - 3)))
    return min(float(n), max(1.0, n * (1 - rho) / (1 + rho)))


def outliers(x):
    """How many lie further than 3.5 robust standard deviations from the median (Iglewicz and Hoaglin)."""
    if not len(x):
        return None
    off = np.abs(np.asarray(x, float) - np.median(x))
    spread = 1.4826 * np.median(off) or 1.2533 * np.mean(off)
    return int(np.sum(off / spread > 3.5)) if spread >= 1e-9 else 0


def lag1(x):
    x = np.asarray(x, float) - np.mean(x) if len(x) else np.array([])
    if len(x) < 3 or not np.sum(x**2) > 0:
        return None
    return float(np.sum(x[:-1] * x[1:]) / np.sum(x**2))
