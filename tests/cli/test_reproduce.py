"""`reproduce`: a session's plan, run again; what holds, what does not, and what is refused."""
import functools
import json
import pathlib
import shutil
import sqlite3
import tempfile

from harness import PROGRAM, SOURCE, CliTest, inferometer, main, schema, stored, tiny_model

PLAN = """\
version: 1
name: again
seed: 3
engines: {engines}
models: [{model}]
prompts: [{{id: one, text: A cache keeps what was used a moment ago}}]
max_tokens: [4, 8]
temperature: [0.0, 0.7]
repeats: 4
ignore_eos: true
"""
_scratch = tempfile.TemporaryDirectory()


def record(name, engines, model):
    folder = pathlib.Path(_scratch.name) / name
    plan = folder.with_suffix(".yaml")
    plan.write_text(PLAN.format(engines=engines, model=model), encoding="utf-8")
    done = inferometer("run", plan, "--out", folder)
    assert done.returncode == 0, done.stderr
    plan.unlink()  # the record is enough
    return folder


@functools.cache
def embedded():
    return record("embedded", "[embedded]", tiny_model())


@functools.cache
def simulated():
    return record("simulated", "[{simulated: {ttft_ms: 2, gap_ms: 1}}]", "m")


class Reproduce(CliTest):
    def found(self, *words, codes=(0, 3, 5)):
        done = inferometer("reproduce", *words, "-o", "json")
        self.assertIn(done.returncode, codes, done.stderr)
        document = json.loads(done.stdout)
        self.assert_fits(document, schema("reproduce"))
        self.assertEqual({0: "reproduced", 3: "not reproduced", 4: "incomparable", 5: "undecided"}[done.returncode], document["verdict"])
        return document

    def claim(self, document, name):
        found = [claim for claim in document["claims"] if claim["claim"] == name]
        self.assertTrue(found, f"no {name} in {[claim['claim'] for claim in document['claims']]}")
        return found[0]

    def test_runs_the_plan_of_the_record_and_compares_tokens_exactly(self):
        found = self.found(embedded(), "--out", self.folder / "again")
        self.assertTrue(found["same_machine"])
        for name in ["token_ids", "token_counts"]:
            claim = self.claim(found, name)
            self.assertEqual((claim["then"], claim["now"], claim["held"]), (16, 16, "held"), name)
        self.assertEqual(self.claim(found, "failed_runs")["held"], "held")
        self.assertEqual(self.claim(found, "same_greedy_answers")["held"], "held")
        self.assertEqual({claim["claim"] for claim in found["claims"]} & {"ttft_s", "tpot_s", "latency_s", "length_shape"},
                         {"ttft_s", "tpot_s", "latency_s", "length_shape"})
        self.assertEqual(stored(self.folder / "again" / "inferometer.db", "SELECT count(*) FROM run WHERE kind = 'measured'"), [(16,)])
        self.assertEqual(stored(embedded() / "inferometer.db", "SELECT count(*) FROM session"), [(1,)], "the record stays as it is")

    def test_of_a_timing_that_does_not_change_holds(self):
        found = self.found(simulated(), "--ran", simulated(), codes=(0, 5))
        self.assertEqual(self.claim(found, "tpot_s")["change"], 0)
        self.assertEqual([claim for claim in found["claims"] if claim["held"] == "did not hold"], [])

    def test_prints_for_people_and_as_markdown(self):
        text = inferometer("reproduce", simulated(), "--ran", simulated()).stdout
        for words in ["again: ", "would notice", "time to first token", "shape over lengths", "machine"]:
            self.assertIn(words, text)
        self.assertIn("| claim | of |", inferometer("reproduce", simulated(), "--ran", simulated(), "-o", "md").stdout)

    def test_an_edited_record_is_said_to_be_one(self):
        edited = self.folder / "edited"
        shutil.copytree(simulated(), edited)
        connection = sqlite3.connect(edited / "inferometer.db")
        connection.execute("UPDATE run SET output_tokens = output_tokens + 1 WHERE run_order = 6")
        connection.commit()
        connection.close()
        self.refuses("reproduce", edited, "--out", self.folder / "again", code=1, naming=["inferometer.db", "checksum"])
        self.assertFalse((self.folder / "again").exists(), "nothing was run for it")

    def test_other_weights_are_refused_before_the_first_run(self):
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "tiny"
            shutil.copytree(tiny_model(), model)
            results = record("moved", "[embedded]", model)
            weights = next(model.glob("*.safetensors"))
            content = bytearray(weights.read_bytes())
            content[-1] ^= 1
            weights.write_bytes(content)
            found = self.found(results, "--out", self.folder / "again", codes=(4,))
        self.assertIn("other weights", found["why"][0])
        self.assertEqual(found["claims"], [])
        self.assertFalse((self.folder / "again").exists())

    def test_another_plan_is_incomparable(self):
        found = self.found(simulated(), "--ran", embedded(), codes=(4,))
        self.assertIn("another plan", found["why"][0])

    def test_what_a_record_would_start_is_shown_first(self):
        results = record("starts", f"[{{process: {{program: {json.dumps(PROGRAM)}}}}}]", tiny_model())
        self.refuses("reproduce", results, "--out", self.folder / "again", code=2, naming=[f"starts {PROGRAM}", "--trust"])
        self.assertFalse((self.folder / "again").exists())
        found = self.found(results, "--out", self.folder / "again", "--trust")
        self.assertEqual(self.claim(found, "token_ids")["held"], "held")

    def test_what_was_imported_cannot_be_run(self):
        self.succeeds("import", "llama-bench", SOURCE / "tests" / "golden" / "import" / "llama_bench.json", "--out", self.folder / "in")
        self.refuses("reproduce", self.folder / "in", "--out", self.folder / "again", code=2, naming="was imported")

    def test_the_tolerance_is_the_callers(self):
        tolerance = self.claim(self.found(simulated(), "--ran", simulated(), "--tolerance", "1%", codes=(0, 5)), "tpot_s")["tolerance"]
        self.assertAlmostEqual(tolerance, 0.01)

    def test_bad_input(self):
        self.refuses("reproduce", simulated(), "--ran", simulated(), "--tolerance", "0%", code=2, naming=["--tolerance", "1% or 0.01"])
        self.refuses("reproduce", self.folder, code=1, naming=["inferometer.db", "no results there"])
        self.refuses("reproduce", simulated(), "--out", simulated(), code=2, naming="the record itself")
        self.refuses("reproduce", simulated(), "--session", "9", code=1, naming=["no session 9", "expected one of 1"])


if __name__ == "__main__":
    main()
