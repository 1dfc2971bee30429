#!/usr/bin/env python3
"""Sessions of the simulated engine, run and analyzed by the built program; every number of every CSV file is recomputed from
the exported raw JSON. Then mistakes are planted in the files: each must be found."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import recompute_csv

PROGRAM = os.environ.get("INFEROMETER", "inferometer")
ENGINE = "{simulated: {load_ms: 1, ttft_ms: 2, prefill_us_per_token: 50, gap_ms: 0.2, run_sd: 0.05%s}}"
PLAN = """version: 1
name: recompute
seed: {seed}
mode: [{mode}]
engines: [{engines}]
models: [{models}]
prompts: [{{id: question, text: "Why?"}}, {{id: story, text: "Tell a story, \\"at length\\"."}}]
max_tokens: {max_tokens}
temperature: {temperature}
repeats: {repeats}
warmup: 1
"""


def plan(seed=1, mode="warm", engines=ENGINE % "", models="toy", max_tokens=(8, 16, 32), temperature=(0.3, 0.7), repeats=3):
    return PLAN.format(seed=seed, mode=mode, engines=engines, models=models, max_tokens=list(max_tokens), temperature=list(temperature),
                       repeats=repeats)


class Recompute(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ifm_recompute_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def results(self, text):
        (self.folder / "plan.yaml").write_text(text)
        out = self.folder / "results"
        for words in (["run", str(self.folder / "plan.yaml")], ["analyze"]):
            done = subprocess.run([PROGRAM, *words, "--out", str(out)], capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return out

    def assert_agrees(self, text, least):
        out = self.results(text)
        report = recompute_csv.recompute(out)
        self.assertEqual(report.errors, [])
        self.assertGreater(report.numbers, least)
        return out

    def test_one_series_with_failures_and_a_temperature_effect(self):
        self.assert_agrees(plan(engines=ENGINE % ", fail_every: 17, temperature_slope: 0.5", repeats=4), 4000)

    def test_several_models_engines_and_four_temperatures(self):
        engines = "{simulated: {ttft_ms: 1, gap_ms: 0.1, run_sd: 0.02}}, {simulated: {ttft_ms: 2, gap_ms: 0.15, run_sd: 0.1}}"
        self.assert_agrees(plan(engines=engines, models="toy, pet", temperature=(0.0, 0.3, 0.7, 1.0), repeats=2, max_tokens=(4, 9)), 10000)

    def test_warm_and_cold(self):
        self.assert_agrees(plan(mode="warm, cold", max_tokens=(4, 8), repeats=2), 4000)

    def test_one_repeat_has_nulls_instead_of_intervals(self):
        out = self.assert_agrees(plan(repeats=1), 1500)
        header, rows = recompute_csv.read_csv(out / "analysis" / "summary_stats.csv")
        self.assertEqual({row[header.index("ci95_low")] for row in rows}, {""})
        self.assertEqual({row[header.index("sd_within")] for row in rows}, {""})

    def test_one_length_and_one_temperature(self):
        self.assert_agrees(plan(max_tokens=(8,), temperature=(0.7,), repeats=6), 400)

    def test_one_token_has_no_time_per_token(self):
        out = self.assert_agrees(plan(max_tokens=(1,), repeats=3), 400)
        header, rows = recompute_csv.read_csv(out / "analysis" / "runs.csv")
        self.assertEqual({row[header.index("tpot_s")] for row in rows}, {""})

    def test_planted_mistakes_are_found(self):
        out = self.results(plan(engines=ENGINE % ", fail_every: 17"))
        self.assertEqual(recompute_csv.recompute(out).errors, [])
        for path in sorted((out / "analysis").glob("*.csv")):
            original = path.read_text()
            if path.name == "roofline.csv":  # a simulated engine computes nothing; real ones: tests/cli/test_study.py
                self.assertEqual(original.count("\n"), 1)
                continue
            for change in (self.nudge, self.fill_empty, self.drop_row):
                changed = change(original)
                self.assertNotEqual(changed, original)
                path.write_text(changed)
                self.assertNotEqual(recompute_csv.recompute(out, path.name).errors, [], f"{path.name}: {change.__name__}")
            path.write_text(original)

    def test_a_metric_that_the_stamps_do_not_give_is_found(self):
        out = self.results(plan(repeats=2))
        path = next((out / "raw_results").glob("*.json"))
        raw = json.loads(path.read_text())
        measured = next(run for run in raw["runs"] if run["kind"] == "measured")
        measured["metrics"]["ttft_s"] *= 1 + 1e-8
        path.write_text(json.dumps(raw))
        self.assertNotEqual(recompute_csv.recompute(out).errors, [])

    @staticmethod
    def cells(text, wanted):
        """The first cell of the last row but one that satisfies `wanted`, as (line, column)."""
        lines = [line.split(",") for line in text.splitlines()]
        for number in range(len(lines) - 1, 0, -1):
            for column, cell in enumerate(lines[number]):
                if wanted(cell):
                    return lines, number, column
        raise AssertionError("no such cell")

    @classmethod
    def nudge(cls, text):
        """Makes a number wrong by 1e-8 of itself."""
        def real(cell):
            try:
                return "." in cell and abs(float(cell)) > 1e-6
            except ValueError:
                return False
        lines, number, column = cls.cells(text, real)
        lines[number][column] = repr(float(lines[number][column]) * (1 + 1e-8))
        return "\n".join(map(",".join, lines)) + "\n"

    @classmethod
    def fill_empty(cls, text):
        """Writes a 0 where there is nothing to know; where every cell is known, empties one instead."""
        try:
            lines, number, column = cls.cells(text, lambda cell: cell == "")
            lines[number][column] = "0"
        except AssertionError:
            lines, number, column = cls.cells(text, lambda cell: cell.startswith("0."))
            lines[number][column] = ""
        return "\n".join(map(",".join, lines)) + "\n"

    @staticmethod
    def drop_row(text):
        return "\n".join(text.splitlines()[:-1]) + "\n"


if __name__ == "__main__":
    unittest.main()
