#!/usr/bin/env python3
"""Counts what `reproduce` says of builds that are known to be equal or slower: records a plan once, and runs it again with each.

  tests/gate/reproduce.py --plain BIN --slow BIN --plan PLAN --times 10 --out FOLDER

Each repetition is kept in FOLDER, so that a call goes on where an earlier one was stopped."""
import argparse
import collections
import json
import os
import subprocess


def run(program, *words):
    return subprocess.run([program, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)


def reproduce(program, record, folder):
    """The verdict of a repetition, and the claims that did not hold."""
    again = ["--ran", folder] if os.path.exists(os.path.join(folder, "inferometer.db")) else ["--out", folder]
    found = json.loads(run(program, "reproduce", record, *again, "-o", "json").stdout)
    failed = [f"{claim['claim']} ({claim['of']}) {100 * claim['change']:+.1f} %" if claim["change"] is not None else claim["claim"]
              for claim in found["claims"] if claim["held"] == "did not hold"]
    coarsest = max((claim["noticeable"] for claim in found["claims"] if claim["noticeable"]), default=0)
    return found, failed, coarsest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ["--plain", "--slow", "--plan", "--out"]:
        parser.add_argument(flag, required=True)
    parser.add_argument("--times", type=int, default=10)
    args = parser.parse_args()
    record = os.path.join(args.out, "record")
    if not os.path.exists(os.path.join(record, "inferometer.db")):
        assert run(args.plain, "run", args.plan, "--out", record).returncode == 0, "the record could not be made"
    for name, program in [("same build", args.plain), ("slower build", args.slow)]:
        verdicts = collections.Counter()
        for i in range(args.times):
            found, failed, coarsest = reproduce(program, record, os.path.join(args.out, f"{name.split()[0]}-{i}"))
            verdicts[found["verdict"]] += 1
            print(f"{name} {i + 1}/{args.times}: {found['verdict']}; canary {100 * (found['canary_change'] or 0):+.1f} %; "
                  f"would notice {100 * coarsest:.1f} %{'; ' if failed else ''}{', '.join(failed)}", flush=True)
        print(f"{name}: {dict(verdicts)}", flush=True)


if __name__ == "__main__":
    main()
