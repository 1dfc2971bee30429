#!/usr/bin/env python3
"""Counts the verdicts of `compare` between builds that are known to be equal or slower: see run.sh."""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

NO_CLAIM = {"equivalent", "inconclusive"}


def compare(a, b, plan, pairs, turns):
    """The JSON of a comparison of two programs."""
    with tempfile.TemporaryDirectory() as scratch:
        with open(plan, encoding="utf-8") as file:
            text = file.read()
        assert "repeats: 3\n" in text
        changed = os.path.join(scratch, "plan.yaml")
        with open(changed, "w", encoding="utf-8") as file:
            file.write(text.replace("repeats: 3\n", f"repeats: {turns}\n"))
        done = subprocess.run([a, "compare", "--bin-a", a, "--bin-b", b, changed, "--pairs", str(pairs), "--out", os.path.join(scratch, "out"),
                               "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return json.loads(done.stdout)


def describe(found):
    cells = ", ".join(f"{cell['max_tokens']} tokens {100 * cell['effect']:+.1f} % {cell['verdict']}" for cell in found["cells"])
    return f"{found['verdict']} ({cells}; could see {100 * (found['detectable_effect'] or 0):.1f} %)"


def logged(path, key):
    """The findings of earlier calls with the same pairs and turns, whatever the commit was."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [entry["found"] for entry in map(json.loads, file) if entry["key"] == key]


def repeat(name, times, pairs, turns, a, b, args):
    """The findings of a comparison made several times, those of the log included; each is printed and logged as it ends."""
    key = [name, pairs, turns]
    findings = logged(args.log, key)[:times]
    if findings:
        print(f"{name}: {len(findings)} of {args.log}", flush=True)
    while len(findings) < times:
        found = compare(a, b, args.plan, pairs, turns)
        found["version"] = subprocess.run([a, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        print(f"{name} {len(findings) + 1}/{times}: {describe(found)}", flush=True)
        findings.append(found)
        with open(args.log, "a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "found": found}) + "\n")
    return findings


def found_in_the_decoding_cell(found):
    verdicts = {cell["max_tokens"]: cell["verdict"] for cell in found["cells"]}
    return found["verdict"] == "regression" and verdicts[12] == "regression" and verdicts[1] != "regression"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ["--plain", "--slow3", "--slow5", "--plan", "--log"]:
        parser.add_argument(flag, required=True)
    for flag in ["--a-a", "--times3", "--times5", "--turns"]:
        parser.add_argument(flag, type=int, required=True)
    args = parser.parse_args()
    same = repeat("A/A", args.a_a, 10, 3, args.plain, args.plain, args)
    slow5 = repeat("5 % slower", args.times5, 32, args.turns, args.plain, args.slow5, args)
    slow3 = repeat("3 % slower", args.times3, 64, args.turns, args.plain, args.slow3, args)
    wrong = [found for found in same if found["verdict"] not in NO_CLAIM]
    print(f"\nA/A: {len(wrong)} wrong of {len(same)}: {dict(collections.Counter(found['verdict'] for found in same))}")
    missed = 0
    for name, findings in [("5 % slower", slow5), ("3 % slower", slow3)]:
        named = sum(found_in_the_decoding_cell(found) for found in findings)
        missed += len(findings) - named
        print(f"{name}: found and named {named} of {len(findings)}: {dict(collections.Counter(found['verdict'] for found in findings))}")
    commits = {line.split()[1] for found in same + slow5 + slow3 for line in found["version"].splitlines() if line.startswith("commit")}
    print("commits: " + ", ".join(sorted(commits)))
    sys.exit(1 if wrong or missed else 0)


if __name__ == "__main__":
    main()
