"""What a summary may say: each rule's sentences as templates whose every number names the value in `summary --json` that it is.

In a template `{kind:path}` is a number, `[…]` may be missing, `<a|b>` is one of several. Paths begin with a name of the sentence's context:
`root` (the summary), `env` (its environment), and what the rule speaks of. What claims an effect holds its interval."""
import math
import re

NUMBER = r"[+-]?\d+(?:\.\d+)?"
UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
METRICS = {"latency": "latency_s", "output speed": "throughput_tok_per_s", "time to first token": "ttft_s", "decode speed": "decode_tok_per_s"}
FACTORS = {"output length": "max_tokens", "block (time)": "block", "combinations of factors": "interactions", "repeats of the same cell": "residual"}
KINDS = {
    "s": rf"({NUMBER}) (s|ms|µs)", "si": rf"({NUMBER}) to ({NUMBER}) (s|ms|µs)", "n": rf"({NUMBER})", "ni": rf"({NUMBER}) to ({NUMBER})",
    "int": r"(\d+)", "runs": r"(\d+) runs?", "pct": rf"({NUMBER}|under 0\.0001) %", "pcti": rf"({NUMBER}) to ({NUMBER}) %", "chg": rf"({NUMBER}) %",
    "chgi": rf"({NUMBER}) to ({NUMBER}) %", "bound": rf"({NUMBER}) %", "p": r"(p [<=] \d\.\d+)", "word": r"(\w+)", "metric": rf"({'|'.join(METRICS)})",
    "scope": r"(?:for this one prompt|for these (\w+) prompts)", "text": r"(.+?)", "shares": r"(.+?)",
}

DETECTABLE = "[; {int:effect.pairs} pairs would have shown {pct:effect.detectable} with 80 % power]"
TEMPERATURE = "{metric:effect.metric} at temperature {n:effect.high} against {n:effect.low}: "
BOUND = "{scope:root.by_prompt} no effect larger than {bound:effect.ratio_ci95} (95 %)"
LACK = "[ (lack of fit {p:scaling.lack_of_fit_p})]"
FIT = "<fit|not fit|undecided>"
SLOW_TTFT = ("<time to first token p90 {s:group.ttft_s.p90} (95 % CI {si:group.ttft_s.p90_ci95})"
             "|largest time to first token {s:group.ttft_s.max} of {runs:group.ttft_s.n} (<a p90 needs 36|no p90: {text:group.ttft_s.p90_ci95_reason}>)>")
MEAN = "{s:%s.mean} (<95 %% CI {si:%s.ci95}|no interval: {text:%s.ci95_reason}>)"

# id of the rule: (where its subject stands in the summary, its name in paths, the templates)
CONCLUSIONS = {
    "scaling": ("scaling", "scaling", [
        "{scope:root.by_prompt}, latency is {s:scaling.fixed_s} fixed[ (95 % CI {si:scaling.fixed_ci95})] plus {s:scaling.per_token_s} per output token "
        "(<{si:scaling.per_token_ci95}|no intervals: {text:scaling.ci95_reason}>), over {int:scaling.min_tokens} to {int:scaling.max_tokens} tokens, R² {n:scaling.r2}. "
        "<with {word:scaling.lengths} lengths a straight line cannot be checked."
        "|a straight line is <not a good|only a rough> description: a mean at a length is {pct:scaling.largest_deviation} away from it" + LACK + "."
        "|a straight line <fits|describes it within 2 %>: no mean at a length is further than {pct:scaling.largest_deviation} from it"
        "[, though the curve can be seen]" + LACK + ".>",
        "fixed overhead and cost per token cannot be told apart: the output length did not vary."]),
    "throughput": ("scaling", "scaling", [
        "output tok/s rises with the length, by the line from {n:scaling.shortest_tok_per_s} (95 % CI {ni:scaling.shortest_ci95}) at "
        "{int:scaling.min_tokens} tokens to {n:scaling.longest_tok_per_s} (95 % CI {ni:scaling.longest_ci95}) at {int:scaling.max_tokens}, "
        "[at least in part ]because the fixed part is spread over more tokens; it cannot pass 1 / cost per token = {n:scaling.limit_tok_per_s} "
        "(95 % CI {ni:scaling.limit_ci95}) tok/s.[ the engine does not get faster.]",
        "the fixed part cannot be told from zero, so output tok/s need not depend on the length."]),
    "temperature": ("temperature_effect", "effect", [
        TEMPERATURE + BOUND + ": {chg:effect.ratio} (95 % CI {chgi:effect.ratio_ci95}), equivalent within ±{pct:effect.margin} "
        "(90 % CI {chgi:effect.ratio_ci90})" + DETECTABLE + ".",
        TEMPERATURE + "different {scope:root.by_prompt}: {chg:effect.ratio} (95 % CI {chgi:effect.ratio_ci95}, {p:effect.p_value})" + DETECTABLE + ".",
        TEMPERATURE + "inconclusive: {chg:effect.ratio} (95 % CI {chgi:effect.ratio_ci95}), neither equivalent within ±{pct:effect.margin} nor "
        "different; " + BOUND + DETECTABLE + ".",
        TEMPERATURE + "not tested: {word:effect.pairs} matched pairs of runs, two are needed.",
        TEMPERATURE + "not compared: the runs do not have the same length."]),
    "variability": (None, None, [
        "where the spread of latency comes from (shares of the variance of its log, {scope:root.by_prompt}): {shares:root.variance}."
        "[ so the sd over the whole design, {s:root.latency_s.sd}, is mostly the <output length|mode|engine|model|prompt|temperature|block (time)"
        "|combinations of factors>, not noise.]"]),
    "repeatability": ("by_model", "group", [
        "repeats of the same cell differ by {pct:group.latency_s.cv_within} in latency (coefficient of variation, 95 % CI "
        "{pcti:group.latency_s.cv_within_ci95}; sd within cells {s:group.latency_s.sd_within})[ and by {pct:group.decode_tok_per_s.cv_within} in decode "
        "speed (95 % CI {pcti:group.decode_tok_per_s.cv_within_ci95})]."]),
    "series": ("series_effect", "effect", [
        "{text:effect.series} over {text:effect.reference}: {metric:effect.metric} {chg:effect.ratio} (95 % CI {chgi:effect.ratio_ci95}; "
        "{int:effect.pairs} matched pairs). this describes this session; each side is one process, so it is no verdict."]),
    "fitness_interactive_chat": ("by_model", "group", [
        "interactive chat (time to first token p90 at most 1 s, decode at least 10 tok/s): " + FIT + "; " + SLOW_TTFT + ", decode "
        "{n:group.decode_tok_per_s.mean} tok/s on average[ (95 % CI {ni:group.decode_tok_per_s.ci95})] and {n:group.decode_tok_per_s.min} in the slowest "
        "run."]),
    "fitness_conversation": ("by_model", "group", [
        "conversation without a pause (time to first token at most 0.2 s): " + FIT + "; " + SLOW_TTFT + "."]),
    "fitness_long_form": ("scaling", "scaling", [
        "long form (500 tokens in at most 30 s): " + FIT + "; 500 tokens take {s:scaling.seconds_500} (<95 % CI {si:scaling.seconds_500_ci95}"
        "|no interval: {text:scaling.ci95_reason}>, "
        "<from the line fitted|extrapolated by the line fitted> from {int:scaling.min_tokens} to {int:scaling.max_tokens} tokens).",
        "long form (500 tokens in at most 30 s): " + FIT + "; 500 tokens take {s:computed.seconds_500} (<at least 90 % CI {si:computed.seconds_500_ci90}"
        "|no interval: {text:computed.seconds_500_reason}>, "
        "extrapolated from the mean time to first token and 499 mean times per token)."]),
    "overall_determinism": ("determinism", "ids", [
        "greedy repeats gave the same token ids in every cell ({runs:ids.runs}, {int:ids.cells} cells).",
        "greedy repeats gave different token ids in {int:ids.cells_differing} of {int:ids.cells} cells: the engine is not deterministic."]),
    "overall_memory": ("memory_share", "memory", [
        "decoding takes weights from memory at {n:memory.gb_per_s} GB/s, {n:memory.share} of the {n:env.read_gb_per_s} GB/s that it gave at the session's "
        "start.[ that cannot be: the machine was slower then.]"]),
    "overall_roofline": ("roofline", "point", [
        "reading a prompt does {n:point.gmac_per_s} GMAC/s, {n:point.share} of the {n:point.limit_gmac_per_s} GMAC/s that this machine allowed for its "
        "{n:point.macs_per_byte} multiply-adds per byte of weights at the session's start."]),
    "overall_overhead": (None, None, [
        "the harness itself costs {s:computed.overhead_s} per token, {pct:computed.overhead_of_tpot} of the time per token.",
        "the harness adds {s:computed.overhead_s} per token, {pct:computed.overhead_of_gap} of the smallest gap between tokens here "
        "({s:root.smallest_gap_s})."]),
    "overall_energy": (None, None, [
        "the processor's packages used {n:root.joules_per_token.mean} J per token, everything that ran on them included; at rest they draw "
        "<{n:env.idle_power_w} W|an unknown power>."]),
}

WARNINGS = {
    "failed_runs": ["{int:root.runs_failed} of {int:computed.runs} runs failed ({text:computed.failures}); they are not in the timings."],
    "invalid_runs": ["{int:root.runs_invalid} of {int:computed.runs} runs are invalid (clocks that disagree, or the machine slept) and not in the timings."],
    "unfinished": ["the session is not complete: {int:computed.runs} of {int:computed.planned} planned runs."],
    "flag": ["{int:computed.flagged} of {int:computed.runs} runs <carries|carry> the flag \"{text:computed.flag}\"[: {text:computed.any}]."],
    "without_flags": ["mean latency with flagged runs " + MEAN % (("root.latency_s",) * 3) + ", without them " + MEAN % (("root.unflagged_latency_s",) * 3) +
                      " ({runs:root.unflagged_latency_s.n}).", "every timed run is flagged: there is nothing to show without them."],
    "virtual_machine": ["this is a {text:env.host_class}: neighbours and the hypervisor can change the speed."],
    "governor": ["the frequency governor is not known: the clock speed may have changed between runs.",
                 "the frequency governor is \"{text:env.governor}\", not \"performance\": the clock speed may have changed."],
    "load": ["other work was running at the start: load average {n:env.load_1m} on <{int:env.logical_cores}|an unknown number of> logical cores."],
    "steal": ["{n:env.steal_percent} % of the CPU time was stolen by other guests."],
    "cpu_quota": ["a quota allows {n:env.cpu_quota_cores} of {int:env.logical_cores} logical cores: threads may be stopped."],
    "power_source": ["the machine ran on battery: it may have saved power at the cost of speed."],
    "timer": ["the clock steps by {s:computed.timer_s}."],
    "overhead": ["the harness itself costs {s:computed.overhead_s} per token, {pct:computed.overhead_of_tpot} of the time per token: more than it should."],
    "few_repeats": ["a cell has only {runs:computed.fewest_repeats}: what is said of single cells is uncertain."],
    "no_repeats": ["no cell was repeated, so there are no intervals for means."],
    "no_intervals": ["under 30 runs nobody can tell whether neighbouring runs are alike, so there are no intervals for means and medians."],
    "drift": ["latency drifted by {n:root.drift_percent_session} % over the session (95 % CI {ni:root.drift_session_ci95} %), a rate of "
              "{n:root.drift_percent_per_hour} % per hour."],
    "autocorrelation": ["neighbouring runs are alike (lag-1 correlation {n:root.lag1_autocorrelation}, above 2/√{int:root.latency_s.n}), so that "
                        "these say as much of their mean as {n:root.effective_runs} independent ones: "
                        "intervals of means and medians are wider for it, those of p90 and of the line over lengths are left out."],
    "outliers": ["{runs:root.outliers}[ (run {text:computed.outliers})] <is|are> further than 3.5 robust standard deviations from the mean of "
                 "the cell; <it is|they are> in every number above."],
    "unsettled": ["the first runs of {int:computed.settling_cells} cells were {pct:computed.settling} slower than later ones ({p:computed.any}): the machine had "
                  "not settled, so warm up longer (warmup: in the plan)."],
    "uneven_flags": ["{text:computed.any} drew {int:computed.any} flags in {int:computed.any} runs, {text:computed.any} drew {int:computed.any} in "
                     "{int:computed.any} ({p:computed.any}): one side may disturb the machine."],
}

PART = re.compile(r"\{(\w+):([\w.]+)\}|[\[\]<>|]")


def compiled(template):
    """The template as a regular expression, and what each number of it is: [(kind, path, groups)]."""
    pattern, numbers, at = "", [], 0
    for part in PART.finditer(template):
        pattern += re.escape(template[at:part.start()])
        at = part.end()
        if part[1]:
            numbers.append((part[1], part[2], re.compile(KINDS[part[1]]).groups))
            pattern += KINDS[part[1]]
        else:
            pattern += {"[": "(?:", "]": ")?", "<": "(?:", ">": ")", "|": "|"}[part[0]]
    return re.compile(pattern + re.escape(template[at:])), numbers


def value_at(context, path):
    value = context
    for step in path.split("."):
        value = value[step] if step in value else None
        if value is None:
            return None
    return value


def is_printed(text, value, unit=1.0):
    """Whether a printed decimal is this value, rounded to its last digit."""
    decimals = len(text.partition(".")[2])
    return abs(float(text) * unit - value) <= (0.5 + 1e-6) * 10.0**-decimals * unit


def check_shares(text, variance):
    """Every factor of latency's variance is named, with its share and its p, or among the negligible ones."""
    shares = {s["factor"]: s for s in variance if s["metric"] == "latency_s"}
    listed, _, small = text.partition("; under 0.10 % each: ")
    for item in re.split(r", (?=[a-z])", listed):
        found = re.fullmatch(rf"([a-z() ]+?) (?:over 99\.9 %|({NUMBER}) %)(?: \((p [<=] \S+)\))?", item)
        share = found and shares.pop(FACTORS.get(found[1], found[1]), None)
        if not share:
            return False
        fits = share["share"] > 0.9995 if found[2] is None else is_printed(found[2], share["share"], 0.01)
        if not fits or (found[3] is None) != (share["p_value"] is None) or (found[3] and not check("p", [found[3]], share["p_value"])):
            return False
    negligible = {FACTORS.get(name, name) for name in small.split(", ")} if small else set()
    return negligible == set(shares) and all(s["share"] < 0.001 for s in shares.values())


def check(kind, groups, value):
    """Whether what stands in a sentence is the value."""
    if kind == "scope":
        return (groups[0] or "one") == WORDS[len(value)]
    if kind == "shares":
        return check_shares(groups[0], value)
    if kind == "text":
        return groups[0] == value
    if kind == "metric":
        return METRICS[groups[0]] == value
    if kind == "word":
        return groups[0] == (WORDS[value] if value < len(WORDS) else str(value))
    if kind in ("int", "runs"):
        return int(groups[0]) == value
    if kind == "p":
        sign, number = groups[0].split()[1:]
        return number == "0.001" and value < 0.001 if sign == "<" else is_printed(number, value)
    if kind in ("si", "ni", "pcti", "chgi"):
        unit = UNITS[groups[2]] if kind == "si" else 1.0
        shown = {"pcti": lambda v: 100 * v, "chgi": lambda v: 100 * (v - 1)}.get(kind, lambda v: v)
        return all(is_printed(text, shown(end), unit) for text, end in zip(groups, value))
    if kind == "bound":
        return is_printed(groups[0], max(abs(end - 1) for end in value), 0.01)
    if kind == "pct" and groups[0].startswith("under"):
        return value < 1e-6
    unit = UNITS[groups[1]] if kind == "s" else 0.01 if kind in ("pct", "chg") else 1.0
    return is_printed(groups[0], value - 1 if kind == "chg" else value, unit)


def fits(template, sentence, context):
    pattern, numbers = compiled(template)
    found = pattern.fullmatch(sentence)
    if not found:
        return False
    at = 1
    for kind, path, count in numbers:
        groups = list(found.groups()[at - 1:at - 1 + count])
        at += count
        if all(group is None for group in groups) and kind != "scope" or path == "computed.any":
            continue  # a part that this sentence does not have
        value = value_at(context, path)
        if value is None or not check(kind, groups, value):
            return False
    return True


def lowered(sentence):
    """Small first letters of sentences, which a capital begins when no series is named."""
    return re.sub(r"(^|[.:] )([A-Z])", lambda m: m[1] + m[2].lower(), sentence)


def settling_ratios(timed):
    """Of each warm cell the mean log of its first block's latency over that of the later ones."""
    cells = {}
    for run in timed:
        if run["mode"] == "warm" and run["e2e_s"]:
            cells.setdefault(run["cell"], ([], []))[run["block"] != "0"].append(math.log(float(run["e2e_s"])))
    mean = lambda x: sum(x) / len(x)
    return [mean(first) - mean(later) for first, later in cells.values() if first and later]


def computed(summary, runs):
    """What a sentence may count or divide: from the summary's numbers and the rows of runs.csv."""
    environment = summary["environment"]
    overhead = environment.get("harness_overhead_ns_per_token")
    tpot, gap = summary["tpot_s"]["median"], summary.get("smallest_gap_s")
    kinds = sorted({r["error_kind"] for r in runs if r["status"] == "failed"})
    timed = [r for r in runs if r["status"] == "ok" and not {"clock_disagreement", "suspended"} & set(r["flags"].split())]
    timer = environment.get("timer_resolution_ns")
    settling = settling_ratios(timed)
    outliers = summary["outlier_runs"]
    return {"outliers": ", ".join(map(str, outliers[:5])) + (", …" if len(outliers) > 5 else ""),
            "runs": len(runs), "failures": ", ".join(f"{k} {sum(r['error_kind'] == k for r in runs)}" for k in kinds),
            "fewest_repeats": min((sum(t["cell"] == r["cell"] for t in timed) for r in runs), default=0), "timer_s": timer and timer * 1e-9,
            "settling_cells": len(settling), "settling": math.expm1(sum(settling) / len(settling)) if settling else None,
            "overhead_s": overhead and overhead * 1e-9, "overhead_of_tpot": overhead and tpot and overhead * 1e-9 / tpot,
            "overhead_of_gap": overhead and gap and overhead * 1e-9 / gap}


def extrapolated(group):
    """500 tokens of a series without a line: one time to first token and 499 times per token."""
    ttft, tpot = group["ttft_s"], group["tpot_s"]
    if ttft["mean"] is None or tpot["mean"] is None:
        return {}
    known = ttft["ci95"] and tpot["ci95"]
    return {"seconds_500": ttft["mean"] + 499 * tpot["mean"],
            "seconds_500_reason": ttft["ci95_reason"] or tpot["ci95_reason"],
            "seconds_500_ci90": [a + 499 * b for a, b in zip(ttft["ci95"], tpot["ci95"])] if known else None}


def claim_holds(sentence, subject, summary):
    """Whether the words are those that the tests allow: a verdict, a cause of the spread, a rise."""
    if "verdict" in subject:
        claims = {"equivalent within ±": "equivalent", "different for": "different", "inconclusive": "inconclusive"}
        claim = next((verdict for words, verdict in claims.items() if words in sentence and f"neither {words}" not in sentence), "not applicable")
        return subject["verdict"] == claim
    if ", not noise" in sentence:
        cause = re.search(r"mostly the (.+), not noise", sentence)[1]
        first = max((s for s in summary["variance"] if s["metric"] == "latency_s"), key=lambda s: s["share"])
        return first["factor"] == FACTORS.get(cause, cause) and first["share"] > 0.5 and first["p_value"] < 0.05
    if "rises with the length" in sentence:
        return subject["fixed_ci95"][0] > 0
    return True


def untraced(summary, runs):
    """Sentences of which a number, or the whole, cannot be traced. `runs`: the rows of runs.csv as dicts."""
    labels = [group["label"] for group in summary["by_model"]]
    base = {"root": summary, "env": summary["environment"], "computed": computed(summary, runs)}
    wrong = []
    for conclusion in summary["conclusions"]:
        where, name, templates = CONCLUSIONS.get(conclusion["id"], (None, None, []))
        series = next((label for label in labels if conclusion["text"].startswith(label + ": ")), None)
        sentence = lowered(conclusion["text"][len(series) + 2:] if series else conclusion["text"])
        named = lambda item: item.get("series", item.get("label"))
        wanted = {series} if series else {None} if len(labels) > 1 else {None, *labels}
        subjects = [item for item in summary[where] if named(item) in wanted or conclusion["id"] == "series"] if where else [{}]
        subjects = [item for item in subjects if claim_holds(sentence, item, summary)]
        groups = {group["label"]: group for group in summary["by_model"]}
        contexts = [base | {name: subject, "computed": base["computed"] | extrapolated(groups.get(named(subject), summary))} for subject in subjects]
        if not any(fits(template, sentence, context) for template in templates for context in contexts):
            wrong.append(conclusion)
    for warning in summary["warnings"]:
        flag = warning["id"].removeprefix("flag_")
        context = base | {"computed": base["computed"] | {"flag": flag, "flagged": summary["flags"].get(flag)}}
        templates = WARNINGS.get("flag" if flag != warning["id"] else warning["id"], [])
        if not any(fits(template, lowered(warning["text"]), context) for template in templates):
            wrong.append(warning)
    return wrong
