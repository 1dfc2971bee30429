"""What each CSV file must hold, from the raw JSON of a session (docs/method.md)."""
import math

import numpy as np

import bootstrap
import statistics_by_scipy as stat

METRICS = {"latency_s": "e2e_s", "throughput_tok_per_s": "output_tok_per_s", "ttft_s": "ttft_s", "decode_tok_per_s": "decode_tok_per_s",
           "prefill_tok_per_s": "prefill_tok_per_s", "tpot_s": "tpot_s", "load_s": "load_s", "joules_per_token": "joules_per_token"}
EFFECT_METRICS = ("latency_s", "throughput_tok_per_s", "ttft_s", "decode_tok_per_s")
INVALID = {"clock_disagreement", "suspended"}
FACTORS = ("mode", "engine", "model", "prompt", "max_tokens", "temperature", "block")


def level(x):
    return str(int(x)) if isinstance(x, (int, float)) and x == int(x) else str(x)


def metrics_of(run):
    """METHOD's numbers of one run from its stamps and counts."""
    m = dict.fromkeys(("load_s", "ttft_s", "e2e_s", "tpot_s", "decode_tok_per_s", "prefill_tok_per_s", "output_tok_per_s", "itl_mean_s",
                       "itl_p50_s", "itl_max_s", "output_bytes_per_s", "joules_per_token"))
    if run["status"] != "ok":
        return m
    difference = lambda a, b: None if run[a] is None or run[b] is None or run[b] < run[a] else (run[b] - run[a]) / 1e9
    m["load_s"] = difference("load_begin_ns", "load_end_ns")
    events = [(t, k) for t, k in zip(run["stamps"]["offset_ns"], run["stamps"]["tokens"]) if k > 0]
    if not events and run["count_source"] == "imported":  # another program's run: its whole is known
        m["e2e_s"] = difference("engine_start_ns", "engine_end_ns")
        whole = difference("prefill_begin_ns", "prefill_end_ns")
        m["prefill_tok_per_s"] = run["prompt_tokens"] / whole if run["prompt_tokens"] and whole else None
        m["output_tok_per_s"] = run["output_tokens"] / m["e2e_s"] if run["output_tokens"] and m["e2e_s"] else None
    if not events:
        return m
    m["ttft_s"], m["e2e_s"] = events[0][0] / 1e9, events[-1][0] / 1e9
    if run["text"] and m["e2e_s"] > 0:
        m["output_bytes_per_s"] = len(run["text"].encode()) / m["e2e_s"]
    if "count_disputed" in run["flags"]:
        return m
    prefill = difference("prefill_begin_ns", "prefill_end_ns")
    evaluated = (run["prompt_tokens"] or 0) - (run["cached_tokens"] or 0)
    if evaluated > 0 and prefill:
        m["prefill_tok_per_s"] = evaluated / prefill
    tokens = run["output_tokens"]
    if tokens:
        if run["resources"]["energy_j"] is not None:
            m["joules_per_token"] = run["resources"]["energy_j"] / tokens
        if m["e2e_s"] > 0:
            m["output_tok_per_s"] = tokens / m["e2e_s"]
        if tokens > events[0][1] and len(events) > 1:
            m["tpot_s"] = (events[-1][0] - events[0][0]) / 1e9 / (tokens - events[0][1])
            m["decode_tok_per_s"] = 1 / m["tpot_s"] if m["tpot_s"] > 0 else None
    if len(events) > 1 and all(k == 1 for _, k in events):
        gaps = np.diff([t for t, _ in events]) / 1e9
        m["itl_mean_s"], m["itl_p50_s"], m["itl_max_s"] = float(np.mean(gaps)), float(np.median(gaps)), float(np.max(gaps))
    return m


class Data:
    def __init__(self, raw):
        self.raw = raw
        self.runs = sorted((r for r in raw["runs"] if r["kind"] == "measured"), key=lambda r: r["order"])
        for run in self.runs:
            run["exported"], run["metrics"] = run["metrics"], metrics_of(run)
            run["timed"] = run["status"] == "ok" and not INVALID & set(run["flags"])
        several_modes = len({r["mode"] for r in self.runs}) > 1
        for run in self.runs:
            run["series"] = " · ".join([run["engine"], run["model"]] + ([run["mode"]] if several_modes else []))
        self.series = list(dict.fromkeys(r["series"] for r in sorted(self.runs, key=lambda r: r["cell"])))
        self.margin = raw["plan"]["equivalence_margin"]

    def of(self, **keys):
        return [r for r in self.runs if all(r[k] == v for k, v in keys.items())]

    def levels(self, factor, runs=None):
        """In the order of the tables: numbers rising, names as the plan lists them."""
        found = dict.fromkeys(r[factor] for r in (self.runs if runs is None else runs))
        plan = self.raw["plan"]
        order = {"engine": [e["id"] for e in plan["engines"]], "prompt": [p["id"] for p in plan["prompts"]], "mode": ["warm", "cold"]}.get(factor)
        return sorted(found, key=order.index if order else None)

    def exported_metrics(self):
        for run in self.runs:
            for name, value in run["metrics"].items():
                yield f"benchmark.json: run {run['id']}: {name}", run["exported"][name], value


def interval(prefix, ends, scale=0.0):
    low, high = ends if ends else (None, None)
    wrap = lambda v: v if v is None else (v, scale)
    return {f"{prefix}_low": wrap(low), f"{prefix}_high": wrap(high)}


def values_by_cell(runs, metric):
    cells = {}
    for run in runs:
        value = run["metrics"][METRICS[metric]]
        if run["timed"] and value is not None:
            cells.setdefault(run["cell"], []).append(value)
    return cells


def points(runs, metric):
    """(value, cell, hours) of the timed runs, in order of execution."""
    timed = [r for r in runs if r["timed"] and r["metrics"][METRICS[metric]] is not None]
    return [(r["metrics"][METRICS[metric]], r["cell"], r["start_ns"] / 3.6e12) for r in sorted(timed, key=lambda r: r["order"])]


def statistics(data, runs, metric):
    cells = list(values_by_cell(runs, metric).values())
    x = np.array([v for c in cells for v in c])
    n = len(x)
    size = float(np.max(np.abs(x))) if n else 0.0  # a spread is a difference of numbers of this size
    near = lambda v: None if v is None else (v, size)
    row = {"metric": metric, "n": n, "mean": stat.mean(x), "sd": near(stat.sd(x)), "sd_within": near(stat.pooled(cells)[0])}
    cv = stat.cv_within(cells)
    row["cv_within"] = None if cv is None else (cv, 1.0)
    row.update({"min": float(x.min()) if n else None, "median": float(np.median(x)) if n else None, "max": float(x.max()) if n else None})
    time = stat.time_structure(points(data.runs, metric))
    p90 = stat.p90_interval(x) if time and not time["drifts"] and not time["dependent"] else None
    median = stat.median_interval(x) if time and not time["drifts"] else None
    median = stat.stretched(median, np.median(x), time) if median else None
    row["p90"] = float(np.quantile(x, 0.9)) if p90 else None
    row |= interval("ci95", stat.mean_interval(points(runs, metric), time) if n >= 15 else None, size) | interval("median_ci95", median, size)
    return row | interval("p90_ci95", p90)


def counts(runs):
    ok = sum(r["status"] == "ok" for r in runs)
    rated = [r for r in runs if r["timed"] and r["metrics"]["output_tok_per_s"] is not None]
    seconds = math.fsum(r["metrics"]["e2e_s"] for r in rated)
    total = sum(r["output_tokens"] for r in rated) / seconds if seconds > 0 else None
    return {"runs_ok": ok, "runs_failed": len(runs) - ok, "total_tok_per_s": total}


def group_rows(data, head, runs):
    return [head | counts(runs) | statistics(data, runs, metric) for metric in METRICS]


def summary_stats(data):
    rows = group_rows(data, {"grouping": "overall", "group": "all runs"}, data.runs)
    for series in data.series:
        rows += group_rows(data, {"grouping": "by_model", "group": series}, data.of(series=series))
    for factor in ("engine", "mode", "prompt"):
        for name in data.levels(factor):
            rows += group_rows(data, {"grouping": f"by_{factor}", "group": name}, data.of(**{factor: name}))
    for temperature in data.levels("temperature"):
        rows += group_rows(data, {"grouping": "by_temperature", "group": level(temperature)}, data.of(temperature=temperature))
    return rows


def token_scaling(data):
    rows = []
    for series in data.series:
        runs = data.of(series=series)
        for n in data.levels("max_tokens", runs):
            rows += group_rows(data, {"series": series, "max_tokens": level(n)}, [r for r in runs if r["max_tokens"] == n])
    for n in data.levels("max_tokens"):
        rows += group_rows(data, {"series": "all", "max_tokens": level(n)}, data.of(max_tokens=n))
    return rows


def fit_row(data, series):
    runs = [r for r in data.of(series=series) if r["timed"] and r["metrics"]["output_tok_per_s"] is not None]
    x, y = np.array([r["output_tokens"] for r in runs], float), np.array([r["metrics"]["e2e_s"] for r in runs])
    row = dict.fromkeys(("fixed_s", "per_token_s", "r2", "lack_of_fit_p", "largest_deviation", "limit_tok_per_s", "seconds_500"))
    row |= {"shortest_tok_per_s": None, "longest_tok_per_s": None}
    for name in ("fixed", "per_token", "seconds_500", "limit", "shortest", "longest"):
        row |= interval(f"{name}_ci95", None)
    row |= {"series": series, "n": len(runs), "lengths": len(set(x)), "min_tokens": int(x.min()) if len(x) else 0,
            "max_tokens": int(x.max()) if len(x) else 0}
    line = stat.line_hc3(x, y)
    if line is None:
        return row
    size = float(np.max(y))
    row |= {"fixed_s": (line["fixed"], size), "per_token_s": (line["slope"], size / float(x.max())), "r2": (line["r2"], 1.0),
            "limit_tok_per_s": 1 / line["slope"] if line["slope"] > 0 else None, "seconds_500": (line["at_500"], size)}
    for name, n in (("shortest", float(x.min())), ("longest", float(x.max()))):
        row[f"{name}_tok_per_s"] = n / line["at"](n) if line["at"](n) > 0 else None
    time = stat.time_structure(points(data.of(series=series), "latency_s"))
    if time and not time["drifts"] and not time["dependent"] and min(np.unique(x, return_counts=True)[1]) >= 18:
        slope = stat.stretched(line["slope_ci"], line["slope"], time)
        row |= interval("fixed_ci95", stat.stretched(line["fixed_ci"], line["fixed"], time), size)
        row |= interval("per_token_ci95", slope, size / float(x.max()))
        row |= interval("seconds_500_ci95", stat.stretched(line["at_500_ci"], line["at_500"], time), size)
        low, high = slope
        row |= interval("limit_ci95", (1 / high, 1 / low) if low > 0 else None)
        for name, n in (("shortest", float(x.min())), ("longest", float(x.max()))):
            low, high = stat.stretched(line["ci_at"](n), line["at"](n), time)
            row |= interval(f"{name}_ci95", (n / high, n / low) if low > 0 else None)
    if len(set(x)) > 2:
        conditions = stat.dummies([(r["prompt"], r["temperature"]) for r in runs])
        base = [np.ones(len(x))] + conditions + [x]
        p = stat.nested_f_p(base, base + stat.dummies(list(x)), y)
        row["lack_of_fit_p"] = None if p is None else (p, 1.0)
        off = [abs(y[x == n].mean() - line["fixed"] - line["slope"] * n) / y[x == n].mean() for n in set(x)]
        row["largest_deviation"] = (float(max(off)), 1.0)
    return row


def token_scaling_fit(data):
    return [fit_row(data, series) for series in data.series]


def matched(low, high, key, metric):
    """Values of both sides where the key is the same and both have the metric, and whether all lengths agree."""
    side = lambda runs: {tuple(r[k] for k in key): r for r in reversed(runs) if r["timed"]}
    left, right = side(low), side(high)
    pairs = [(left[k], right[k]) for k in left if k in right]
    name = METRICS[metric]
    pairs = [(a, b) for a, b in pairs if a["metrics"][name] is not None and b["metrics"][name] is not None]
    same = all(a["output_tokens"] == b["output_tokens"] for a, b in pairs)
    return [a["metrics"][name] for a, _ in pairs], [b["metrics"][name] for _, b in pairs], same


def exp_interval(ends):
    return (math.exp(ends[0]), math.exp(ends[1]))


def temperature_rows(data, label, runs, metric):
    levels = data.levels("temperature", runs)
    rows, tested = [], []
    for high in levels[1:]:
        low = levels[0]
        a, b = ([r for r in runs if r["temperature"] == t] for t in (low, high))
        means = [stat.mean([v for c in values_by_cell(side, metric).values() for v in c]) for side in (a, b)]
        x, y, same = matched(a, b, ("mode", "engine", "model", "prompt", "max_tokens", "repeat"), metric)
        row = {"series": label, "metric": metric, "temperature_low": float(low), "temperature_high": float(high), "mean_low": means[0],
               "mean_high": means[1], "pairs": len(x), "ratio": None, "p_value": None, "margin": data.margin, "detectable": None,
               "verdict": "not applicable"} | interval("ratio_ci90", None) | interval("ratio_ci95", None)
        test = stat.log_ratio_test(x, y) if same or metric != "latency_s" else None
        if test:
            row |= {"ratio": math.exp(test["mean"]), "p_value": (test["p"], 1.0), "detectable": stat.detectable(test["sd"], test["n"])}
            row |= interval("ratio_ci90", exp_interval(test["ci90"])) | interval("ratio_ci95", exp_interval(test["ci95"]))
            tested.append((row, test))
        rows.append(row)
    for (row, test), p in zip(tested, stat.holm([test["p"] for _, test in tested])):
        inside = max(map(abs, test["ci90"])) < math.log1p(data.margin)
        row["verdict"] = "equivalent" if inside else "different" if p < 0.05 else "inconclusive"
    return rows


def temperature_effect(data):
    rows = [row for metric in EFFECT_METRICS for row in temperature_rows(data, "all", data.runs, metric)]
    if len(data.series) > 1:
        for series in data.series:
            rows += [row for metric in EFFECT_METRICS for row in temperature_rows(data, series, data.of(series=series), metric)]
    return rows


def cell_label(run):
    return f"{run['series']} · {run['prompt']} · {run['max_tokens']} tokens · T {level(run['temperature'])}"


def cells_in_order(data):
    cells = {}
    for run in sorted(data.runs, key=lambda r: r["cell"]):
        cells.setdefault(run["cell"], []).append(run)
    return cells.values()


def quantity(name, metric, of, value, ends=None, p=None, df=None, n=None, scale=0.0):
    wrap = lambda v: None if v is None else (v, scale)
    row = {"quantity": name, "metric": metric, "of": of, "value": wrap(value), "p_value": None if p is None else (p, 1.0),
           "degrees_of_freedom": df, "n": n}
    return row | interval("ci95", ends, scale)


def variance_rows(data, metric):
    runs = [r for r in data.runs if r["timed"] and (r["metrics"][METRICS[metric]] or 0) > 0]
    logs = [math.log(r["metrics"][METRICS[metric]]) for r in runs]
    alone = len({r["block"] for r in runs}) == len(runs)  # a block of one run cannot be told from a repeat
    factors = {f: [r[f] for r in runs] for f in FACTORS if not (f == "block" and alone)}
    shares = stat.variance_shares(logs, factors, [r["cell"] for r in runs]) or []
    shares.sort(key=lambda s: (s[0] == "residual", -s[1]))
    return [quantity("variance_share", metric, name, share, p=p, df=df, scale=1.0) for name, share, df, p in shares]


def time_rows(data):
    runs = [r for r in data.runs if r["timed"] and (r["metrics"]["e2e_s"] or 0) > 0]
    cells = {}
    for run in runs:
        cells.setdefault(run["cell"], []).append((run["start_ns"] / 3.6e12, math.log(run["metrics"]["e2e_s"])))
    slope, ends = stat.within_cell_trend([tuple(zip(*of_cell)) for of_cell in cells.values()])
    time = stat.time_structure(points(data.runs, "latency_s"))
    ends = stat.stretched(ends, slope, time) if ends and time else None
    percent = lambda v: 100 * v
    means = {cell: np.mean([y for _, y in of_cell]) for cell, of_cell in cells.items()}
    residuals = [math.log(r["metrics"]["e2e_s"]) - means[r["cell"]] for r in runs if len(cells[r["cell"]]) > 1]
    ok = sum(r["status"] == "ok" for r in data.runs)
    far = stat.outliers(residuals)
    size = max([1.0] + [abs(percent(v)) for v in ends or ()])
    hours = (runs[-1]["start_ns"] - runs[0]["start_ns"]) / 3.6e12 + runs[-1]["metrics"]["e2e_s"] / 3600 if runs else 0.0
    over_session = lambda v: 100 * math.expm1(v * hours)
    return [quantity("drift_percent_per_hour", "latency_s", "session", None if slope is None else percent(slope),
                     None if ends is None else tuple(map(percent, ends)), n=ok, scale=size),
            quantity("drift_percent_session", "latency_s", "session", None if slope is None else over_session(slope),
                     None if ends is None else tuple(map(over_session, ends)), n=ok, scale=100.0),
            quantity("lag1_autocorrelation", "latency_s", "session", stat.lag1(residuals), n=ok, scale=1.0),
            quantity("effective_runs", "latency_s", "session", stat.effective_size(residuals), n=ok, scale=float(len(residuals))),
            quantity("outliers", "latency_s", "session", None if far is None else float(far), n=ok)]


def series_rows(data):
    rows = []
    for series in data.series[1:]:
        for metric in EFFECT_METRICS:
            x, y, same = matched(data.of(series=data.series[0]), data.of(series=series), ("prompt", "max_tokens", "temperature", "repeat"), metric)
            test = stat.log_ratio_test(x, y) if same or metric != "latency_s" else None
            rows.append(quantity("series_ratio", metric, f"{series} / {data.series[0]}", math.exp(test["mean"]) if test else None,
                                 exp_interval(test["ci95"]) if test else None, n=len(x)))
    return rows


def cv_rows(label, runs):
    rows = []
    for metric in METRICS:
        cells = list(values_by_cell(runs, metric).values())
        cv = stat.cv_within(cells)
        if cv is not None:
            n = sum(map(len, cells))
            rows.append(quantity("within_cell_cv", metric, label, cv, stat.cv_within_interval(cells), n=n, scale=1.0))
    return rows


def variability(data):
    rows = [row for metric in EFFECT_METRICS for row in variance_rows(data, metric)]
    rows += cv_rows("all runs", data.runs)
    if len(data.series) > 1:
        for series in data.series:
            rows += cv_rows(series, data.of(series=series))
    for runs in cells_in_order(data):
        rows += cv_rows(cell_label(runs[0]), runs)
    return rows + series_rows(data) + time_rows(data)


def gap_rows(data, series):
    timed = [r for r in data.of(series=series) if r["timed"]]
    events = [(r, [t for t, k in zip(r["stamps"]["offset_ns"], r["stamps"]["tokens"]) if k > 0]) for r in timed]
    events = [(r, times) for r, times in events if len(times) > 1]
    if not events:
        return []
    gaps = [[max(0, b - a) for a, b in zip(times, times[1:])] for _, times in events]
    pooled = bootstrap.Histogram([gap for run in gaps for gap in run])
    mean = sum(map(sum, gaps)) / pooled.count
    time = stat.time_structure([((times[-1] - times[0]) / (len(times) - 1), r["cell"], r["start_ns"] / 3.6e12) for r, times in events])
    known = time and not time["drifts"] and 20 <= len(gaps) <= 128  # of more runs neighbours share a cluster

    def ends(prefix, statistic, centre, least=0):
        if not known or len(gaps) < least:
            return interval(prefix, None)
        low, high = bootstrap.bca(len(gaps), statistic)
        low, high = stat.stretched((min(low, centre), max(high, centre)), centre, time)
        return interval(prefix, (low / 1e9, high / 1e9), mean / 1e9)

    quantile = lambda p, least: ends(f"p{round(100 * p)}_ci95", bootstrap.quantile_of(gaps, p), pooled.quantile(p), least)
    value = lambda p: pooled.quantile(p) / 1e9
    one = all(k <= 1 for r, _ in events for k in r["stamps"]["tokens"])
    return [{"series": series, "kind": "itl" if one else "icl", "runs": len(gaps), "gaps": pooled.count, "mean_s": mean / 1e9,
             "p50_s": value(0.5), "p90_s": value(0.9) if known and len(gaps) >= 36 else None, "p99_s": None, "max_s": pooled.max / 1e9}
            | ends("mean_ci95", bootstrap.mean_of(gaps), mean) | quantile(0.5, 0) | quantile(0.9, 36) | interval("p99_ci95", None)]


def token_gaps(data):
    first_seen = list(dict.fromkeys(r["series"] for r in data.runs if r["timed"]))
    return [row for series in first_seen for row in gap_rows(data, series)]


def work_of(data, run):
    """The model's entry that knows what a token takes: the run's own, or another of the same weights; none for engines that compute elsewhere."""
    models = data.raw["models"]
    own = next((m for m in models if (m["engine"], m["model"]) == (run["engine"], run["model"])), None)
    if not own or not own["threads"]:
        return None
    knows = lambda m: None not in (m["macs_per_token"], m["head_macs"], m["bytes_per_token"])
    same = [m for m in models if knows(m) and m["hash"] and m["hash"] == own["hash"]]
    return own if knows(own) else next(iter(same), None)


def roofline(data):
    read, peak = data.raw["environment"]["read_gb_per_s"], data.raw["environment"]["int8_gmac_per_s"]
    rows = []
    for series in dict.fromkeys(r["series"] for r in data.runs):
        runs = [r for r in data.of(series=series) if r["timed"]]
        work = runs and work_of(data, runs[0])
        if not work or not read or not peak:
            continue
        number = lambda key: work[key] or 0
        prompt = np.mean([r["prompt_tokens"] - (r["cached_tokens"] or 0) for r in runs])
        depth = prompt + np.mean([r["output_tokens"] for r in runs]) / 2
        macs = {"prefill": number("macs_per_token") * prompt - number("logits_only_macs") * (prompt - 1)
                + number("attention_macs_per_position") * prompt * (prompt + 1) / 2 + number("head_macs"),
                "decode": number("macs_per_token") + number("head_macs") + number("attention_macs_per_position") * depth}
        read_bytes = {phase: number("bytes_per_token") + number("cache_bytes_per_position") * positions
                      for phase, positions in (("prefill", prompt), ("decode", depth))}
        for phase, tokens_a_time in (("prefill", prompt), ("decode", 1)):
            speeds = [r["metrics"][f"{phase}_tok_per_s"] for r in runs if r["metrics"][f"{phase}_tok_per_s"] is not None]
            if not speeds:
                continue
            intensity, gmac = macs[phase] / read_bytes[phase], macs[phase] * np.mean(speeds) / tokens_a_time / 1e9
            limit = min(peak, read * intensity)
            rows.append({"series": series, "phase": phase, "macs_per_byte": intensity, "gmac_per_s": gmac, "limit_gmac_per_s": limit,
                         "share": gmac / limit})
    return rows


def cells(data):
    rows = []
    for runs in cells_in_order(data):
        head = {"cell": cell_label(runs[0])} | {f: level(runs[0][f]) for f in FACTORS if f != "block"}
        rows += group_rows(data, head, runs)
    return rows


def runs(data):
    rows = []
    for run in data.runs:
        row = {k: run[k] for k in ("order", "block", "cell", "repeat", "predecessor", "mode", "engine", "model", "prompt", "max_tokens", "seed",
                                   "status", "error_kind", "error_message", "prompt_tokens", "cached_tokens", "output_tokens", "count_source",
                                   "finish_reason", "ids_hash", "drafted_tokens", "accepted_tokens", "decode_steps", "server_decode_tokens")}
        row |= {k: None if run[k] is None else float(run[k]) for k in ("temperature", "page_cache_share", "steal_percent", "canary_ratio")}
        row |= {"session": data.raw["session"], "run": run["id"], "flags": " ".join(run["flags"])} | run["metrics"]
        row |= {"intended_start_s": run["intended_start_ns"] / 1e9, "start_s": run["start_ns"] / 1e9}
        row |= {f"{k}_s": None if run[f"{k}_ns"] is None else run[f"{k}_ns"] / 1e9 for k in ("connect", "server_prefill", "server_decode")}
        used = run["resources"]
        row |= {k: used[k] for k in ("minor_faults", "major_faults", "voluntary_switches", "involuntary_switches", "peak_resident_bytes")}
        row |= {k: None if used[k] is None else float(used[k]) for k in ("energy_j", "frequency_mhz", "temperature_c")}
        row |= {"cpu_s": None if used["cpu_ns"] is None else used["cpu_ns"] / 1e9}
        rows.append(row)
    return rows


TABLES = {"summary_stats.csv": summary_stats, "token_scaling.csv": token_scaling, "token_scaling_fit.csv": token_scaling_fit,
          "temperature_effect.csv": temperature_effect, "variability.csv": variability, "token_gaps.csv": token_gaps, "roofline.csv": roofline,
          "cells.csv": cells, "runs.csv": runs}
