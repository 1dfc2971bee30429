#!/usr/bin/env python3
"""Which test is about which fault: docs/faults.md, from faults.tsv, the names of the tests ("Fault71…", "Fault13And3…", "test_fault_99_…"),
and what campaigns came to: campaigns.md, tests/fuzz/record.json.

  faults.py --tests FOLDER [--write]     FOLDER: of the GoogleTest programs (build/release/tests)

Without --write: exit code 1 when a number has no test, a test has a number that is none, or docs/faults.md is not what --write makes.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TABLE = SOURCE / "docs" / "faults.md"

HEAD = """# Bad input and bad days

What may go wrong, what then happens, and the tests that show it. *Refused*: before anything is allocated, with one line that names the
file, the field or offset, what was expected and what was found, and an exit code other than 0. *The run fails*: it is stored with its
reason and leaves the timings, and the session goes on. Made by `tests/faults/faults.py --tests build/release/tests --write`; the test
`faults` fails when a number has no test.

| | What | Then | Tests |
|---:|---|---|---|
"""


FUZZ = """
## Fuzzing

`tests/fuzz/run.sh TARGET SECONDS --record tests/fuzz/record.json` (libFuzzer, AddressSanitizer, UndefinedBehaviorSanitizer, leaks) adds to this
table. A target is done with 10⁹ executions, or an hour in which no new edge was reached; an input that takes more than a second or 512 MB is
a finding as a crash is. Hours and minutes are of the processor. *Found* are mistakes that were mended since; their inputs are replayed by the ordinary tests (`tests/fuzz/found`).

| Target | Executions | Hours | Edges | Minutes without a new one | Slowest input | Memory | Found | Done | Until |
|---|---:|---:|---:|---:|---:|---:|---:|---|---|
"""


def fuzz_row(target, part):
    done = "executions" if part["executions"] >= 10**9 else "an hour without a new edge" if part["quiet_s"] >= 3600 else "no"
    slowest = f"{part['slowest_s']} s" if part["slowest_s"] else "< 1 s"
    return (f"| {target} | {part['executions']:,} | {part['seconds'] / 3600:.1f} | {part['edges']:,} | {part['quiet_s'] // 60} | {slowest} | "
            f"{part['peak_mb']} MB | {part['findings']} | {done} | {part['until']} |\n")


def numbers_of(name):
    """The faults that a test's name carries."""
    found = re.search(r"Fault\d+(?:And(?:Fault)?\d+)*|fault_\d+(?:_and_\d+)*_", name)
    return [int(n) for n in re.findall(r"\d+", found[0])] if found else []


def google_tests(program):
    listed = subprocess.run([program, "--gtest_list_tests"], stdout=subprocess.PIPE, text=True, check=True).stdout
    suite = ""
    for line in listed.splitlines():
        name = line.split("#")[0].rstrip()
        if not name.startswith(" "):
            suite = name
        elif suite:
            yield suite + name.strip()


def script_tests(script):
    suite = ""
    for line in script.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"class (\w+)", line):
            suite = found[1]
        if found := re.match(r"    def (test_\w+)", line):
            yield f"{script.stem.removeprefix('test_')}: {suite}.{found[1]}"


def tests_by_number(folder):
    tests = collections.defaultdict(list)
    names = [name for program in sorted(folder.glob("test_*")) if program.is_file() and program.suffix == "" for name in google_tests(program)]
    names += [name for script in sorted((SOURCE / "tests" / "cli").glob("test_*.py")) for name in script_tests(script)]
    for name in names:
        for number in numbers_of(name):
            tests[number].append(name)
    return tests


def cell_of(names):
    """One line: tests with a parameter by their suite and how many there are."""
    rows = collections.Counter(name.rsplit("/", 1)[0] if "/Fault" in name else name for name in names)
    return "<br>".join(f"`{name}`" + (f" × {count}" if count > 1 else "") for name, count in sorted(rows.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", required=True, type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rows = [line.split("\t") for line in (SOURCE / "tests/faults/faults.tsv").read_text(encoding="utf-8").splitlines()]
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    tests = tests_by_number(args.tests)
    wrong = [f"fault {row[0]} has no test: {row[1]}" for row in rows if int(row[0]) not in tests]
    wrong += [f"{names[0]}: there is no fault {number}" for number, names in tests.items() if not 1 <= number <= len(rows)]
    text = HEAD + "".join(f"| {n} | {what} | {then} | {cell_of(tests[int(n)])} |\n" for n, what, then in rows)
    text += (SOURCE / "tests/faults/campaigns.md").read_text(encoding="utf-8")
    record = json.loads((SOURCE / "tests/fuzz/record.json").read_text(encoding="utf-8"))
    text += FUZZ + "".join(fuzz_row(target, part) for target, part in sorted(record.items()))
    if args.write:
        TABLE.write_text(text, encoding="utf-8")
    elif not TABLE.exists() or TABLE.read_text(encoding="utf-8") != text:
        wrong.append(f"{TABLE.relative_to(SOURCE)} is not what faults.py --write makes")
    print("\n".join(wrong) or f"{len(rows)} faults, {sum(len(set(names)) for names in tests.values())} tests")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
