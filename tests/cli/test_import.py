"""`import`: results of other programs, with what they do not say left out."""
import csv
import json
import re

from harness import SOURCE, CliTest, main, stored

GOLDEN = SOURCE / "tests" / "golden" / "import"
RUN = {"model": "llama-3.2-1b", "prompt": "What is a cache?", "max_tokens": 64, "temperature": 0.3, "latency": 1.25, "tokens": 61}


class LlamaBench(CliTest):
    def imported(self, text=None):
        file = self.folder / "bench.json"
        file.write_text(text or (GOLDEN / "llama_bench.json").read_text(encoding="utf-8"), encoding="utf-8")
        return self.succeeds("import", "llama-bench", file, "--out", self.folder / "results").stdout

    def test_the_table_is_the_one_that_llama_bench_printed(self):
        cells = lambda line: [cell.strip() for cell in line.strip("|").split("|")]
        lines = [cells(line) for line in (GOLDEN / "llama_bench.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
        names, rows = lines[0], lines[2:]
        wanted = [[row[names.index(column)] for column in ("model", "size", "params", "threads", "test", "t/s")] for row in rows]
        self.assertEqual(len(wanted), 8)
        printed = self.imported().splitlines()
        shown = [re.split(r"  +", line.strip()) for line in printed[1:1 + len(wanted)]]
        self.assertEqual(shown, wanted)

    def test_each_sample_is_a_run_with_its_time_and_nothing_that_nobody_knows(self):
        self.imported()
        rows = json.loads((GOLDEN / "llama_bench.json").read_text(encoding="utf-8"))
        database = self.folder / "results" / "inferometer.db"
        times = [ns for (ns,) in stored(database, "SELECT engine_end_ns - engine_start_ns FROM run ORDER BY run_order")]
        self.assertEqual(times, [ns for row in rows for ns in row["samples_ns"]])
        for column in ("ttft_s", "tpot_s", "decode_tok_per_s", "itl_mean_s", "steal_percent"):
            self.assertEqual(stored(database, f"SELECT count(*) FROM run WHERE {column} IS NOT NULL"), [(0,)], column)

    def test_its_summary_and_tables_are_made_and_say_who_measured(self):
        self.imported()
        out = self.folder / "results"
        text = self.succeeds("summary", "--out", out).stdout
        self.assertIn("These runs were measured by another program", text)
        self.assertIn("nothing is sampled", " ".join(text.split()))
        self.assertNotIn("not complete", text)
        self.succeeds("analyze", "--out", out)
        self.succeeds("report", "--out", out)
        with open(out / "analysis" / "runs.csv", encoding="utf-8") as file:
            speeds = [float(row["prefill_tok_per_s"]) for row in csv.DictReader(file) if row["prompt"] == "pp64"]
        [row] = [row for row in json.loads((GOLDEN / "llama_bench.json").read_text(encoding="utf-8"))
                 if (row["n_prompt"], row["n_gen"], row["n_depth"]) == (64, 0, 0)]
        for ours, theirs in zip(speeds, row["samples_ts"]):
            self.assertAlmostEqual(ours, theirs, places=4)

    def test_what_is_no_such_file_is_one_line_that_names_the_row_and_the_field(self):
        rows = json.loads((GOLDEN / "llama_bench.json").read_text(encoding="utf-8"))
        cases = {"[": "not JSON, or cut off", "{}": "expected a list of rows", "[]": "expected a list of rows", "[3]": "row 1: not a row"}
        for key, value, says in [("samples_ns", None, "row 2: no samples_ns"), ("samples_ns", [], "row 2: no samples_ns"),
                                 ("samples_ns", [-1], "row 2: samples_ns is -1"), ("n_prompt", 1.5, "row 2: n_prompt is 1.5"),
                                 ("n_gen", -3, "row 2: n_gen is -3"), ("model_filename", 4, "row 2: no model_filename"),
                                 ("model_size", "big", "row 1: no model_size"), ("n_prompt", 0, "row 2: neither a prompt")]:
            changed = json.loads(json.dumps(rows))
            changed[int(says[4]) - 1][key] = value
            cases[json.dumps(changed)] = says
        for text, says in cases.items():
            with self.subTest(says=says):
                file = self.folder / "bad.json"
                file.write_text(text, encoding="utf-8")
                self.refuses("import", "llama-bench", file, "--out", self.folder / "none", code=1, naming=["bad.json", says])
        self.refuses("import", "llama-bench", self.folder / "absent.json", code=1, naming="absent.json")
        self.assertFalse((self.folder / "none").exists())


class Study(CliTest):
    def folder_of(self, files):
        folder = self.folder / "raw"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return folder

    def test_runs_keep_what_they_say_and_the_rest_is_null(self):
        runs = [dict(RUN, max_tokens=n, temperature=t, latency=n / 50 + repeat / 100, tokens=n - 3)
                for repeat in range(3) for n in (64, 128) for t in (0.3, 0.7)]
        raw = self.folder_of({"benchmark_2.json": runs[6:], "benchmark_1.json": runs[:6], "one.json": dict(RUN, tokens=None), "notes.txt": "x"})
        said = " ".join(self.succeeds("import", "study", raw, "--out", self.folder / "results").stdout.split())
        for problem in ("how tokens were counted is not recorded", "nobody can tell whether it ever reached the engine",
                        "loading the model are inside a latency is not recorded", "1 of 13 runs have none"):
            self.assertIn(problem, said)
        out = self.folder / "results"
        self.succeeds("analyze", "--out", out)
        with open(out / "analysis" / "runs.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(int(r["max_tokens"]), float(r["temperature"]), float(r["e2e_s"]), r["output_tokens"]) for r in rows],
                         [(r["max_tokens"], r["temperature"], round(r["latency"], 9), str(r["tokens"])) for r in runs] + [(64, 0.3, 1.25, "")])
        self.assertEqual(rows[-1]["repeat"], "3", "the fourth run of its cell")
        for column in ("ttft_s", "tpot_s", "decode_tok_per_s", "prefill_tok_per_s", "ids_hash", "steal_percent"):
            self.assertEqual({row[column] for row in rows}, {""}, column)
        self.assertIn("These runs were measured by another program", self.succeeds("summary", "--out", out).stdout)

    def test_more_tokens_than_were_asked_for_are_named(self):
        raw = self.folder_of({"a.json": [RUN, dict(RUN, tokens=90)]})
        self.assertIn("1 of 2 runs have more than was asked for", " ".join(self.succeeds("import", "study", raw, "--out", self.folder / "r").stdout.split()))

    def test_a_bad_file_is_named_with_the_run_and_the_field(self):
        without = {key: value for key, value in RUN.items() if key != "latency"}
        raw = self.folder_of({"a.json": [RUN, without]})
        self.refuses("import", "study", raw, "--out", self.folder / "r", code=1, naming=["a.json: run 2: no latency"])
        for changed, says in [({"latency": -1}, "latency is -1"), ({"latency": "1 s"}, "no latency"), ({"max_tokens": 0}, "max_tokens is 0"),
                              ({"prompt": 3}, "no prompt"), ({"tokens": 2.5}, "tokens is 2.5")]:
            with self.subTest(says=says):
                (raw / "a.json").write_text(json.dumps(dict(RUN, **changed)), encoding="utf-8")
                self.refuses("import", "study", raw, "--out", self.folder / "r", code=1, naming=["a.json: run 1: " + says])
        (raw / "a.json").write_text("[{", encoding="utf-8")
        self.refuses("import", "study", raw, "--out", self.folder / "r", code=1, naming=["a.json", "not JSON, or cut off"])
        (raw / "a.json").unlink()
        self.refuses("import", "study", raw, "--out", self.folder / "r", code=1, naming="no .json file there")
        self.assertFalse((self.folder / "r").exists())


if __name__ == "__main__":
    main()
