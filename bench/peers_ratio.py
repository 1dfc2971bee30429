#!/usr/bin/env python3
"""Reads the rounds that bench/peers.sh left in a folder and prints median ratios with intervals.

  peers_ratio.py FOLDER      FOLDER holds ours_N.json and theirs_N.json: lists in llama-bench's words
"""
import json
import math
import pathlib
import statistics
import sys


def read_speeds(path):
    """Test name → mean tokens per second."""
    rows = json.loads(path.read_text())
    return {f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}": row["avg_ts"] for row in rows}


def median_interval(values, coverage=0.95):
    """Two order statistics that hold the median with at least this coverage (binomial, no assumption), and the coverage."""
    ordered, n = sorted(values), len(values)
    below, total = 0, 2 ** n
    skip = -1
    while skip + 1 < n // 2 and 1 - 2 * (below + math.comb(n, skip + 1)) / total >= coverage:
        skip += 1
        below += math.comb(n, skip)
    if skip < 0:
        sys.exit(f"peers_ratio.py: {n} rounds are too few for an interval (expected 6 or more)")
    return ordered[skip], ordered[n - 1 - skip], 1 - 2 * below / total


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    pairs = []
    for path in sorted(folder.glob("ours_*.json")):
        pairs.append((read_speeds(path), read_speeds(folder / path.name.replace("ours", "theirs"))))
    if not pairs:
        sys.exit(f"{folder}: holds no round (expected ours_1.json)")
    print(f"{'test':>8} {'ours tok/s':>11} {'theirs tok/s':>13} {'ratio':>7}  interval")
    for test in pairs[0][0]:
        ours, theirs = [p[0][test] for p in pairs], [p[1][test] for p in pairs]
        ratios = [a / b for a, b in zip(ours, theirs)]
        low, high, coverage = median_interval(ratios)
        print(f"{test:>8} {statistics.median(ours):11.2f} {statistics.median(theirs):13.2f} {statistics.median(ratios):7.3f}  "
              f"{low:.3f} to {high:.3f} ({coverage:.1%}, {len(pairs)} rounds)")


if __name__ == "__main__":
    main()
