"""What must never become a number: results files that were edited, sessions without runs, runs that all failed."""
import csv
import functools
import json
import math
import pathlib
import shutil
import sqlite3
import tempfile

import edited_results
from harness import CliTest, inferometer, main, schema, stored

ENGINE = "{simulated: {ttft_ms: 1, gap_ms: 0.1, run_sd: 0.02%s}}"
PLAN = """version: 1
name: edited
engines: [%s]
models: [toy]
prompts: [{id: p, text: hello}]
max_tokens: [4, 8]
temperature: [0.3, 0.7]
repeats: 2
warmup: 1
"""
#: Edits of one run: what each changes, as a number that no measurement gives.
TIMES = {
    "negative latency": {"e2e_s": -1.0}, "no latency though tokens came": {"e2e_s": None}, "infinite latency": {"e2e_s": math.inf},
    "NaN, which SQLite keeps as NULL": {"ttft_s": math.nan}, "a latency of 0": {"e2e_s": 0.0}, "a rate that the times do not give": {"decode_tok_per_s": 1e6},
    "negative rate": {"output_tok_per_s": -5.0}, "events out of order": {"stamps": edited_results.stamps([(2_000_000, 1), (1_000_000, 1)])},
    "an event before the start": {"stamps": edited_results.stamps([(-5, 1), (1_000_000, 1)])},
    "events that hold less than nothing": {"stamps": edited_results.stamps([(5, 1), (1_000_000, -2)])}, "stamps that were cut": {"stamps": b"\x80"},
    "a start before the session's": {"start_ns": -1}, "a start before the last run's": {"start_ns": 0},
    "a start after the next run's": {"start_ns": 10**15}, "tokens that were not counted": {"output_tokens": 1000},
}
OTHERS = {
    "a length of nothing": {"max_tokens": 0}, "a length that no number holds": {"max_tokens": 2**40}, "an infinite temperature": {"temperature": math.inf},
    "an unknown status": {"status": "fine"}, "an unknown kind": {"kind": "real"}, "an unknown mode": {"mode": "hot"}, "flags that are none": {"flags": "{"},
    "ids that were cut": {"output_ids": b"\1\2\3"}, "a text for a number": {"output_tokens": "many"}, "a position below 0": {"block": -1},
}


@functools.cache
def original():
    """A results folder of a short session."""
    keep = tempfile.TemporaryDirectory(prefix="inferometer-edited-")
    folder = pathlib.Path(keep.name)
    (folder / "plan.yaml").write_text(PLAN % (ENGINE % ""), encoding="utf-8")
    done = inferometer("run", folder / "plan.yaml", "--out", folder / "results")
    assert done.returncode == 0, done.stderr
    return keep, folder / "results"


class EditedResults(CliTest):
    def copy(self, name="results"):
        out = self.folder / name
        shutil.copytree(original()[1], out)
        return out

    def a_run(self, out):
        """A measured run in the middle of its session."""
        [(run,)] = stored(out / "inferometer.db", "SELECT id FROM run WHERE kind = 'measured' ORDER BY run_order LIMIT 1 OFFSET 3")
        return run

    def refused(self, out, *naming):
        """No verb makes a number of it, and none writes a file."""
        for words in (["summary"], ["summary", "--json"], ["analyze"], ["analyze", "--gaps", "1"]):
            self.refuses(*words, "--out", out, code=1, naming=naming)
        self.assertFalse((out / "analysis").exists())
        self.assertFalse((out / "figures").exists())

    def test_an_untouched_copy_is_fine(self):
        out = self.copy()
        edited_results.edit(out / "inferometer.db", "run", self.a_run(out), {}, sealed=True)
        self.json_of("summary", "--out", out, "--json", schema_name="summary")

    def test_fault_63_an_edit_does_not_fit_the_rows_checksum(self):
        for number, (what, changes) in enumerate({**TIMES, **OTHERS}.items()):
            with self.subTest(what):
                out = self.copy(str(number))
                run = self.a_run(out)
                edited_results.edit(out / "inferometer.db", "run", run, changes, sealed=False)
                self.refused(out, f"run {run}", "damaged")

    def test_an_edit_with_its_checksum_is_no_measurement_either(self):
        for number, (what, changes) in enumerate({**TIMES, **OTHERS}.items()):
            with self.subTest(what):
                out = self.copy(str(number))
                run = self.a_run(out)
                edited_results.edit(out / "inferometer.db", "run", run, changes, sealed=True)
                # A start that is too late is seen at the run after it.
                self.refused(out, "run " if what == "a start after the next run's" else f"run {run}", "inferometer.db")

    def test_a_session_whose_plan_was_edited(self):
        for sealed, word in ((False, "damaged"), (True, "not as it is written")):
            out = self.copy(word)
            edited_results.edit(out / "inferometer.db", "session", 1, {"plan_json": "{}"}, sealed)
            self.refused(out, "session 1", word)

    def delete(self, out, condition):
        with sqlite3.connect(out / "inferometer.db") as database:
            database.execute(f"DELETE FROM run WHERE {condition}")
        database.close()

    def test_a_session_without_a_measured_run(self):
        out = self.copy()
        self.delete(out, "kind = 'measured'")
        self.refused(out, "session 1", "no measured run")
        self.delete(out, "1")
        self.refused(out, "session 1", "no measured run")

    def test_runs_that_were_taken_away_are_missed(self):
        out = self.copy()
        self.delete(out, "kind = 'measured' AND repeat = 1")
        summary = self.json_of("summary", "--out", out, "--json", schema_name="summary")
        self.assertIn("unfinished", {w["id"] for w in summary["warnings"]})
        self.assertIsNone(summary["latency_s"]["ci95"])

    def test_when_every_run_failed_there_is_no_number(self):
        plan, out = self.folder / "plan.yaml", self.folder / "failed"
        plan.write_text(PLAN % (ENGINE % ", fail_every: 1"), encoding="utf-8")
        self.assertEqual(inferometer("run", plan, "--out", out).returncode, 1)
        summary = self.json_of("summary", "--out", out, "--json", schema_name="summary")
        self.assertEqual((summary["runs_ok"], summary["runs_failed"]), (0, 8))
        for metric in ("latency_s", "throughput_tok_per_s", "ttft_s", "decode_tok_per_s"):
            self.assertEqual({k: v for k, v in summary[metric].items() if v is not None}, {"n": 0})
        self.assertEqual((summary["variance"], summary["scaling"][0]["fixed_s"]), ([], None))
        self.assertEqual([c["text"] for c in summary["conclusions"] if "not tested: no matched pairs" not in c["text"]], [])
        self.assertIn("0 of 8 runs succeeded", self.succeeds("summary", "--out", out).stdout)
        self.succeeds("analyze", "--out", out)
        for path in (out / "analysis").glob("*.csv"):
            with open(path, newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    told = {k for k, v in row.items() if v and k in ("mean", "sd", "ci95_low", "value", "ratio", "fixed_s", "e2e_s")}
                    self.assertEqual(told, set(), path.name)
        self.assertEqual(list((out / "figures").glob("*")), [])

    def compared(self, a, b, pairs, code):
        plan = self.folder / "gate.yaml"
        plan.write_text(PLAN.replace("repeats: 2\nwarmup: 1", "repeats: 1\nwarmup: 0") % "simulated", encoding="utf-8")
        done = inferometer("compare", ENGINE % a, ENGINE % b, plan, "--pairs", pairs, "--out", self.folder / f"out{code}", "-o", "json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        found = json.loads(done.stdout)
        self.assert_fits(found, schema("compare"))
        return found

    def test_one_pair_and_pairs_that_failed_are_no_verdict(self):
        one = self.compared("", "", 1, code=5)
        self.assertEqual((one["verdict"], one["ci95"]), ("inconclusive", None))
        failed = self.compared(", fail_every: 1", ", fail_every: 1", 2, code=4)
        self.assertEqual((failed["verdict"], failed["effect"], failed["ci95"], failed["cells"]), ("incomparable", None, None, []))
        self.assertTrue(failed["why"])


if __name__ == "__main__":
    main()
