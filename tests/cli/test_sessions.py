"""`sessions`: what a results folder holds, passed on and put together."""
import csv
import functools
import io
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import jsonschema

import edited_results
from harness import inferometer, main, schema, stored

PLAN = """\
version: 1
name: {name}
seed: {seed}
engines: [{{simulated: {{ttft_ms: 1, gap_ms: 0.1, run_sd: 0.1}}}}]
models: [m]
prompts: [{{id: one, text: first}}]
max_tokens: [4, 8]
temperature: [0.0]
repeats: {repeats}
"""
# Everything of a session but where it lies.
EVERYTHING = {"session": "SELECT started_utc, finished_utc, checksum FROM session ORDER BY started_utc, checksum",
              "session_model": "SELECT checksum FROM session_model ORDER BY checksum",
              "block": "SELECT checksum FROM block ORDER BY checksum",
              "run": "SELECT run_order, cell, repeat, kind, text, stamps, checksum, level FROM run ORDER BY checksum"}


@functools.cache
def results_of(names, repeats):
    """A folder with a session for each name, made once."""
    folder = pathlib.Path(_scratch.name) / f"{'-'.join(names)}-{repeats}"
    for name in names:
        plan = folder.with_suffix(".yaml")
        plan.write_text(PLAN.format(name=name, seed=1, repeats=repeats), encoding="utf-8")
        done = inferometer("run", plan, "--out", folder)
        assert done.returncode == 0, done.stderr
    return folder


_scratch = tempfile.TemporaryDirectory()


class Sessions(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def results(self, name, *sessions, repeats=2):
        """A copy of its own of a folder with these sessions."""
        shutil.copytree(results_of(sessions, repeats), self.folder / name)
        return self.folder / name

    def database(self, name):
        return self.folder / name / "inferometer.db"

    def sessions(self, *words, code=0):
        done = inferometer("sessions", *words)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def listed(self, name):
        found = json.loads(self.sessions("list", "--json", "--out", self.folder / name))
        jsonschema.validate(found, schema("sessions"))
        return found

    def test_list_tells_of_each_session_its_plan_and_runs(self):
        self.results("r", "first", "second")
        self.assertEqual([(s["session"], s["plan"], s["runs_ok"], s["runs_failed"]) for s in self.listed("r")],
                         [(1, "first", 4, 0), (2, "second", 4, 0)])
        lines = self.sessions("list", "--out", self.folder / "r").splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[2], r"^\s+2  20\S+Z  second +4 +simulated  m  ")

    def test_show_has_the_command_and_the_plan(self):
        self.results("r", "first", "second")
        text = self.sessions("show", "--out", self.folder / "r")
        self.assertIn("Inferometer · second", text)
        self.assertIn("inferometer run", text)
        self.assertIn("max_tokens: [4, 8]", text)

    def test_export_is_what_the_results_hold(self):
        self.results("r", "alone")
        inferometer("analyze", "--out", self.folder / "r")
        self.assertEqual(self.sessions("export", "--format", "csv", "--out", self.folder / "r"),
                         (self.folder / "r/analysis/runs.csv").read_text(encoding="utf-8"))
        [raw] = (self.folder / "r/raw_results").glob("benchmark_*.json")
        file = self.folder / "deep/session.json"
        self.sessions("export", "--out", self.folder / "r", "-o", file)
        self.assertEqual(json.loads(file.read_text(encoding="utf-8")), json.loads(raw.read_text(encoding="utf-8")))

    def test_merge_keeps_every_byte_and_takes_nothing_twice(self):
        self.results("a", "alone")
        self.results("b", "first", "second")
        self.sessions("merge", self.folder / "a", self.folder / "b", "--out", self.folder / "both")
        self.assertEqual([s["plan"] for s in self.listed("both")], ["alone", "first", "second"])
        for table, query in EVERYTHING.items():
            with self.subTest(table=table):
                self.assertEqual(sorted(stored(self.database("both"), query)),
                                 sorted(stored(self.database("a"), query) + stored(self.database("b"), query)))
        again = self.sessions("merge", self.folder / "b", "--out", self.folder / "both")
        self.assertEqual(again.count("is there already"), 2)
        self.assertEqual(len(self.listed("both")), 3)
        summaries = [inferometer("summary", "--json", "--session", "1", "--out", self.folder / name).stdout for name in ("a", "both")]
        self.assertEqual(*summaries)

    def test_merge_refuses_a_damaged_session_whole(self):
        self.results("a", "alone")
        edited_results.edit(self.database("a"), "run", 3, {"e2e_s": 0.5}, sealed=False)
        self.assertIn("does not fit its checksum", self.sessions("merge", self.folder / "a", "--out", self.folder / "both", code=1))
        self.assertEqual(self.listed("both"), [])

    def test_merge_of_no_results_or_of_itself_is_an_error(self):
        self.results("a", "alone")
        self.assertIn("no results there", self.sessions("merge", self.folder, "--out", self.folder / "both", code=1))
        self.assertFalse((self.folder / "both").exists())
        self.assertIn("into itself", self.sessions("merge", self.folder / "a", "--out", self.folder / "a", code=2))

    def test_delete_wants_a_yes_and_leaves_the_others(self):
        self.results("r", "first", "second")
        self.assertIn("expected --yes", self.sessions("delete", "--session", "1", "--out", self.folder / "r", code=2))
        size = os.path.getsize(self.database("r"))
        self.sessions("delete", "--session", "1", "--yes", "--out", self.folder / "r")
        self.assertEqual([s["plan"] for s in self.listed("r")], ["second"])
        for table in ("run", "block", "session_model"):
            self.assertEqual(stored(self.database("r"), f"SELECT count(*) FROM {table} WHERE session = 1"), [(0,)])
        self.assertLess(os.path.getsize(self.database("r")), size)
        self.assertIn("no session 1", self.sessions("delete", "--session", "1", "--yes", "--out", self.folder / "r", code=1))

    def test_csv_has_a_row_for_each_measured_run(self):
        self.results("r", "alone")
        rows = list(csv.DictReader(io.StringIO(self.sessions("export", "--format", "csv", "--out", self.folder / "r"))))
        self.assertEqual(len(rows), 4)

    def test_an_empty_folder_is_one_clear_line(self):
        for words in (["list"], ["show"], ["export"], ["delete", "--session", "1", "--yes"]):
            with self.subTest(verb=words[0]):
                self.assertRegex(self.sessions(*words, "--out", self.folder / "none", code=1), r"^inferometer: .*: no (results|such).*\n$")


if __name__ == "__main__":
    main()
