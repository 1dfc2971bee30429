#!/usr/bin/env python3
"""Whether the engines in the program are as fast as their own programs: llama.cpp in process beside llama-bench of the same library,
MLX in process beside mlx-lm of the same version; alternated, in pairs whose order alternates too.

  engines_speed.py --program build/release/bin/inferometer --gguf FILE --mlx FOLDER [--llama-bench PROGRAM] [--rounds N]
                   [--threads N] [--only llama_cpp|mlx] [--json FILE]

Prints the ratio ours / theirs of the speeds: the median of the pairs' ratios and the signed-rank interval for it (95 %), which a pair
that a neighbour disturbed hardly moves. Exit code 1 when a lower end is under 0.97. Needs a quiet machine, and --llama-bench from tools/peers/llama_bench.sh.
"""
import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

from scipy import stats

MIN_RATIO = 0.97
PROMPT, TOKENS = 128, 32
MLX_TOKENS = 16  # MLX's decode is slow on an x86 CPU


def run(command):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def bench_speeds(rows):
    """{"prefill": tok/s, "decode": tok/s} from the JSON of llama-bench or of ours."""
    return {"prefill" if row["n_prompt"] else "decode": row["avg_ts"] for row in json.loads(rows)}


class LlamaCpp:
    name = "llama_cpp"
    rounds = 400  # of some 4 s

    def __init__(self, args):
        common = ["-m", args.gguf, "-p", PROMPT, "-n", TOKENS, "-r", 1, "-t", args.threads, "-o", "json"]
        self.our_command = [args.program, "bench", "--engine", "llama_cpp", "--no-limits", *common]
        self.their_command = [args.llama_bench, *common]

    def ours(self):
        return bench_speeds(run(self.our_command))

    def theirs(self):
        return bench_speeds(run(self.their_command))


class Mlx:
    """mlx-lm in this process; the folder's 16-bit parts as float32, which is what both compute in on a CPU."""
    name = "mlx"
    rounds = 20  # of a minute

    def __init__(self, args):
        import peer_logits

        self.program, self.folder = args.program, args.mlx
        self.model = peer_logits.Mlx(args.mlx).model
        with open(f"{args.text}", encoding="utf-8") as file:
            words = file.read().split()
        # A text of about as many tokens as wanted; both sides get what it really has.
        self.text = " ".join(words[:100])
        self.ids = json.loads(subprocess.run([args.program, "tokenize", "-m", args.mlx, "--json"], input=self.text, check=True,
                                             capture_output=True, text=True).stdout)

    def ours(self):
        """Of a warmed model, as mlx-lm's is here."""
        with tempfile.TemporaryDirectory() as scratch:
            plan = os.path.join(scratch, "plan.yaml")
            with open(plan, "w", encoding="utf-8") as file:
                json.dump({"version": 1, "name": "speed", "engines": ["mlx"], "models": [os.path.abspath(self.folder)],
                           "prompts": [{"id": "text", "text": self.text, "raw": True}], "max_tokens": [MLX_TOKENS],
                           "temperature": [0.0], "repeats": 1, "warmup": 1, "ignore_eos": True}, file)
            out = os.path.join(scratch, "out")
            run([self.program, "run", plan, "--out", out])
            run([self.program, "analyze", "--out", out])
            with open(os.path.join(out, "analysis", "runs.csv"), encoding="utf-8", newline="") as file:
                row, = csv.DictReader(file)
        assert (row["status"], int(row["prompt_tokens"]), int(row["output_tokens"])) == ("ok", len(self.ids), MLX_TOKENS)
        return {"prefill": float(row["prefill_tok_per_s"]), "decode": float(row["decode_tok_per_s"])}

    def theirs(self):
        import mlx.core as mx
        from mlx_lm.generate import generate_step

        stamps, ids = [time.perf_counter()], []
        for token, _ in generate_step(mx.array(self.ids), self.model, max_tokens=MLX_TOKENS):
            stamps.append(time.perf_counter())
            ids.append(int(token))
        assert len(ids) == MLX_TOKENS
        return {"prefill": len(self.ids) / (stamps[1] - stamps[0]), "decode": (MLX_TOKENS - 1) / (stamps[-1] - stamps[1])}


def signed_rank_interval(values, level=0.95):
    """Walsh averages between which the signed-rank test does not reject (normal approximation; n >= 10)."""
    n = len(values)
    walsh = sorted((values[i] + values[j]) / 2 for i in range(n) for j in range(i, n))
    spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    k = max(0, math.floor(n * (n + 1) / 4 - stats.norm.ppf(1 - (1 - level) / 2) * spread))
    return walsh[k], walsh[-1 - k]


def compare(pair, rounds):
    """{phase: {ratio, low, high, rounds}} of ours / theirs."""
    pair.ours(), pair.theirs()  # files into the page cache
    logs = {"prefill": [], "decode": []}
    for number in range(rounds):
        sides = [pair.ours, pair.theirs]
        speeds = {side.__name__: side() for side in (sides if number % 2 == 0 else reversed(sides))}
        for phase, values in logs.items():
            values.append(math.log(speeds["ours"][phase] / speeds["theirs"][phase]))
        print(f"{pair.name} round {number + 1}: " + ", ".join(
            f"{phase} {speeds['ours'][phase]:.1f} / {speeds['theirs'][phase]:.1f}" for phase in logs), flush=True)
    out = {}
    for phase, values in logs.items():
        low, high = signed_rank_interval(values)
        out[phase] = {"ratio": math.exp(statistics.median(values)), "low": math.exp(low), "high": math.exp(high), "rounds": rounds}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--mlx", required=True)
    parser.add_argument("--text", default=None, help="whose first words are MLX's prompt (default: verify's text)")
    parser.add_argument("--llama-bench")
    parser.add_argument("--rounds", type=int, help="alternations (default: 400 of llama.cpp, which take half an hour, 20 of MLX, a quarter of an hour)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["llama_cpp", "mlx"])
    parser.add_argument("--json", help="also write the figures here")
    args = parser.parse_args()
    import parity_run
    args.text = args.text or parity_run.TEXT
    pairs = [kind for kind in (LlamaCpp, Mlx) if args.only in (None, kind.name)]
    figures = {pair.name: compare(pair(args), args.rounds or pair.rounds) for pair in pairs}
    slow = False
    for name, phases in figures.items():
        for phase, f in phases.items():
            slow = slow or f["low"] < MIN_RATIO
            print(f"{name} {phase}: ours / theirs {f['ratio']:.3f} [{f['low']:.3f}, {f['high']:.3f}]"
                  f"{'' if f['low'] >= MIN_RATIO else f'  under {MIN_RATIO}'}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
