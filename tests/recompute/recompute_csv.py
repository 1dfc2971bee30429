#!/usr/bin/env python3
"""Recomputes every number of RESULTS/analysis/*.csv from RESULTS/raw_results/benchmark_*.json with numpy and scipy.

    recompute_csv.py RESULTS

Written from docs/method.md and the tables' column names, not from the C++: the raw JSON's stamps and counts are the only
input (its "metrics" are checked like a table, never used). Fails on a relative difference over 1e-9, on a missing or an extra row, on a
number where there is nothing to know and on an empty cell where there is.
"""
import csv
import json
import math
import pathlib
import sys

import tables

TOLERANCE = 1e-9
ROUNDING = 1e-12  # of the numbers that a small difference was made from


class Report:
    def __init__(self):
        self.errors, self.numbers, self.empty = [], 0, 0

    def check(self, where, cell, expected):
        """`expected`: None (must be empty), text, an integer, a float or (float, scale): the scale is the size of the
        numbers that it is a difference of (a share of the variance: 1; an intercept: the largest latency)."""
        if expected is None or expected == "":
            self.empty += 1
            if cell != "":
                self.errors.append(f"{where}: is {cell!r}, expected an empty cell")
            return
        if isinstance(expected, str):
            if cell != expected:
                self.errors.append(f"{where}: is {cell!r}, expected {expected!r}")
            return
        self.numbers += 1
        value, scale = expected if isinstance(expected, tuple) else (expected, 0.0)
        try:
            number = int(cell) if isinstance(value, int) else float(cell)
        except ValueError:
            self.errors.append(f"{where}: is {cell!r}, expected {value!r}")
            return
        if isinstance(value, int):
            if number != value:
                self.errors.append(f"{where}: is {cell}, expected {value}")
        elif not math.isfinite(number) or abs(number - value) > TOLERANCE * abs(value) + ROUNDING * scale:
            self.errors.append(f"{where}: is {cell}, expected {value!r}")


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def compare(report, name, header, rows, expected):
    """`expected`: rows as dicts of column → expectation, in the table's order."""
    if name == "variability.csv":  # two shares that are equal but for rounding may stand in either order
        key = header.index("quantity"), header.index("metric"), header.index("of")
        rows = sorted(rows, key=lambda row: [row[k] for k in key])
        expected = sorted(expected, key=lambda row: [row["quantity"], row["metric"], row["of"]])
    if len(rows) != len(expected):
        report.errors.append(f"{name}: has {len(rows)} rows, expected {len(expected)}")
    for number, (row, want) in enumerate(zip(rows, expected), start=2):
        if set(want) != set(header) or len(row) != len(header):
            report.errors.append(f"{name}:{number}: columns {sorted(set(header) ^ set(want))} are on one side only")
            return
        for column, cell in zip(header, row):
            report.check(f"{name}:{number}:{column}", cell, want[column])


def raw_of(results, session):
    path = results / "raw_results" / f"benchmark_{session}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def recompute(results, only=None):
    """Checks a results folder, or one of its tables; returns the report."""
    results = pathlib.Path(results)
    report = Report()
    header, rows = read_csv(results / "analysis" / "runs.csv")
    session = rows[0][header.index("session")]
    data = tables.Data(raw_of(results, session))
    for where, cell, value in data.exported_metrics():
        report.check(where, "" if cell is None else repr(cell), value)
    files = sorted((results / "analysis").glob("*.csv"))
    for path in files:
        if only not in (None, path.name):
            continue
        maker = tables.TABLES.get(path.name)
        if maker is None:
            report.errors.append(f"{path.name}: no rule recomputes it")
            continue
        compare(report, path.name, *read_csv(path), maker(data))
    for name in tables.TABLES:
        if results / "analysis" / name not in files:
            report.errors.append(f"{name}: is missing")
    return report


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    report = recompute(sys.argv[1])
    for error in report.errors[:40]:
        print(error)
    print(f"{report.numbers} numbers and {report.empty} empty cells checked, {len(report.errors)} differences")
    sys.exit(1 if report.errors else 0)


if __name__ == "__main__":
    main()
