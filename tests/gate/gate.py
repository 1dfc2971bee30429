#!/usr/bin/env python3
"""Counts the verdicts of `compare` between builds that are known to be equal or slower: see run.sh."""
import argparse
import collections
import json
import subprocess
import sys
import tempfile

NO_CLAIM = {"equivalent", "inconclusive"}


def compare(a, b, plan, pairs, metric):
    """The JSON of a comparison of two programs."""
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run([a, "compare", "--bin-a", a, "--bin-b", b, plan, "--pairs", str(pairs), "--metric", metric, "--out", out, "-o", "json"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return json.loads(done.stdout)


def repeat(name, times, a, b, args):
    """The findings of a comparison made several times, each printed as it ends."""
    findings = []
    for number in range(times):
        found = compare(a, b, args.plan, args.pairs, "latency")
        cells = ", ".join(f"{cell['max_tokens']} tokens {100 * cell['effect']:+.1f} % {cell['verdict']}" for cell in found["cells"])
        print(f"{name} {number + 1}/{times}: {found['verdict']} ({cells}; could see {100 * (found['detectable_effect'] or 0):.1f} %)", flush=True)
        findings.append(found)
    return findings


def found_in_the_decoding_cell(found):
    verdicts = {cell["max_tokens"]: cell["verdict"] for cell in found["cells"]}
    return found["verdict"] == "regression" and verdicts[48] == "regression" and verdicts[1] != "regression"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ["--plain", "--slow3", "--slow5", "--plan"]:
        parser.add_argument(flag, required=True)
    for flag in ["--a-a", "--times3", "--times5", "--pairs"]:
        parser.add_argument(flag, type=int, required=True)
    args = parser.parse_args()
    same = repeat("A/A", args.a_a, args.plain, args.plain, args)
    slow5 = repeat("5 % slower", args.times5, args.plain, args.slow5, args)
    slow3 = repeat("3 % slower", args.times3, args.plain, args.slow3, args)
    wrong = [found for found in same if found["verdict"] not in NO_CLAIM]
    print(f"\nA/A: {len(wrong)} wrong of {len(same)}: {dict(collections.Counter(found['verdict'] for found in same))}")
    missed = 0
    for name, findings in [("5 % slower", slow5), ("3 % slower", slow3)]:
        named = sum(found_in_the_decoding_cell(found) for found in findings)
        missed += len(findings) - named
        print(f"{name}: found and named {named} of {len(findings)}: {dict(collections.Counter(found['verdict'] for found in findings))}")
    sys.exit(1 if wrong or missed else 0)


if __name__ == "__main__":
    main()
