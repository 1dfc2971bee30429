#!/usr/bin/env python3
"""Records how a machine's speed wanders: many short runs of one cell, one after the other, as logs of their latencies less the median.

  record_noise.py --program build/release/bin/inferometer [--runs 3000] >tests/golden/noise/NAME.csv

bench/gate_sim.cpp and tests/gate/ draw comparisons from it. Needs the model smollm2-135m.
"""
import argparse
import csv
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile

TOKENS = 16


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--runs", type=int, default=3000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        plan = os.path.join(scratch, "plan.yaml")
        with open(plan, "w", encoding="utf-8") as file:
            file.write("version: 1\nname: noise\nengines: [embedded]\nmodels: [smollm2-135m]\nprompts: [{id: p, text: \"What is a cache?\"}]\n"
                       f"max_tokens: [{TOKENS}]\ntemperature: [0.0]\nrepeats: {args.runs}\nwarmup: 3\n")
        out = os.path.join(scratch, "out")
        subprocess.run([args.program, "run", plan, "--out", out], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([args.program, "analyze", "--out", out], check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(out, "analysis", "runs.csv"), encoding="utf-8", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: int(row["order"]))
    logs = [math.log(float(row["e2e_s"])) for row in rows if row["status"] == "ok"]
    version = subprocess.run([args.program, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[0]
    middle = statistics.median(logs)
    print(f"# ln(latency) less its median of {len(logs)} runs in order: SmolLM2-135M, embedded engine, {TOKENS} tokens, median "
          f"{1e3 * math.exp(middle):.1f} ms")
    print(f"# {version}; {platform.machine()}, {os.cpu_count()} processors; by tools/record_noise.py")
    for value in logs:
        print(f"{value - middle:.5f}")


if __name__ == "__main__":
    main()
    sys.exit(0)
