"""The study in small, on the real model and our own engine: run, resume, analyze, summary, and what the results folder holds."""
import json
import os
import subprocess
import sys

from harness import SOURCE, CliTest, main

PLAN = """
version: 1
name: small-study
models: [smollm2-135m]
prompts: [{id: sky, text: "Why is the sky blue?"}, {id: sum, text: "What is 17 + 25?"}]
max_tokens: [5, 9]
temperature: [0.3, 0.7]
repeats: 2
"""
CSV = ["summary_stats", "token_scaling", "temperature_effect", "variability", "runs"]
FIGURES = ["01_latency_by_model", "02_throughput_by_model", "03_latency_vs_tokens", "04_temperature_effect", "05_latency_distribution",
           "06_variability", "07_run_order", "08_first_token_and_decode", "09_roofline"]


class Study(CliTest):
    def measured(self, plan, *arguments):
        """Runs a plan and returns its results folder and its measured runs as exported."""
        path, out = self.folder / "plan.yaml", self.folder / "results"
        path.write_text(plan, encoding="utf-8")
        self.succeeds("run", path, "--out", out, *arguments, timeout=900)
        [raw] = (out / "raw_results").glob("benchmark_*.json")
        runs = json.loads(raw.read_text(encoding="utf-8"))["runs"]
        return out, [r for r in runs if r["kind"] == "measured"]

    def test_every_run_has_the_length_asked_for_and_both_clocks_agree(self):
        _, runs = self.measured(PLAN)
        self.assertEqual(len(runs), 2 * 2 * 2 * 2)
        for run in runs:
            self.assertEqual((run["status"], run["error_message"]), ("ok", None))
            self.assertEqual(run["output_tokens"], run["max_tokens"])
            self.assertEqual(sum(run["stamps"]["tokens"]), run["max_tokens"])
            self.assertEqual(len(run["output_ids"]), run["max_tokens"])
            self.assertEqual(run["count_source"], "engine")
            seen_ns = run["stamps"]["offset_ns"][-1]
            self.assertLess(abs(seen_ns - (run["engine_end_ns"] - run["engine_start_ns"])), 1_000_000)
        self.assertEqual(len({(r["cell"], r["repeat"]) for r in runs}), len(runs))
        # Another temperature or another repeat has another seed: more texts than prompts.
        self.assertGreater(len({tuple(r["output_ids"]) for r in runs if r["max_tokens"] == 9}), 2)

    def test_cold_runs_start_from_nothing_and_their_latency_holds_the_loading(self):
        plan = PLAN.replace("repeats: 2", "repeats: 1\nmode: cold\nwarmup: 0").replace("[5, 9]", "[5]")
        _, runs = self.measured(plan)
        done = [r for r in runs if r["status"] == "ok"]
        # On a loaded machine the pipe to the child may be late by more than METHOD allows; such a run is invalid, not wrong.
        self.assertTrue(all(r["error_kind"] == "clock" for r in runs if r["status"] != "ok"), runs)
        for run in done:
            self.assertGreaterEqual(run["load_begin_ns"], run["start_ns"])
            self.assertGreater(run["metrics"]["ttft_s"], run["metrics"]["load_s"])
            self.assertIsNotNone(run["page_cache_share"])

    def test_the_results_folder_holds_every_file_and_the_tables_can_be_recomputed(self):
        out, runs = self.measured(PLAN)
        self.succeeds("analyze", "--out", out)
        names = [f"analysis/{c}.csv" for c in CSV] + [f"figures/{f}.{end}" for f in FIGURES for end in ("png", "svg")]
        for name in [*names, "inferometer.db", "RESULTS.md", "REPRODUCIBILITY.md"]:
            self.assertGreater((out / name).stat().st_size, 100, name)
        summary = self.json_of("summary", "--out", out, "--json", schema_name="summary")
        failed = [run for run in runs if run["status"] != "ok"]
        # On a loaded machine a thread may be held between the two clocks for longer than METHOD allows: such a run is invalid, not wrong.
        self.assertEqual([run["error_message"] for run in failed if run["error_kind"] != "clock"], [])
        self.assertEqual((summary["runs_ok"], summary["runs_failed"]), (16 - len(failed), len(failed)))
        script = SOURCE / "tests" / "recompute" / "recompute_csv.py"
        check = subprocess.run([sys.executable, script, out], capture_output=True, encoding="utf-8", check=False, env=os.environ)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_the_same_plan_gives_the_same_tokens_again(self):
        _, first = self.measured(PLAN)
        again = Study("measured")
        again.setUp()
        self.addCleanup(again.doCleanups)
        _, second = again.measured(PLAN)
        self.assertEqual({(r["cell"], r["repeat"]): r["output_ids"] for r in first},
                         {(r["cell"], r["repeat"]): r["output_ids"] for r in second})


if __name__ == "__main__":
    main()
