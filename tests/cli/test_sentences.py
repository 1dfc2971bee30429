"""Every sentence of a study's summary says only what can be read in its numbers: each number is traced to a value of the same session,
each effect to its interval. Then numbers are changed and sentences made up: each must be found."""
import copy
import csv
import functools
import pathlib
import re
import tempfile

import sentence_templates
from harness import SOURCE, CliTest, inferometer, main

ENGINE = "{simulated: {ttft_ms: 3, prefill_us_per_token: 50, gap_ms: 0.3, run_sd: 0.01%s}}"


def the_study():
    """The plan of the study, 54 runs, with a timing model in place of the engine."""
    text = (SOURCE / "plans" / "edge-study.yaml").read_text(encoding="utf-8")
    changed = text.replace("engines: [embedded]", f"engines: [{ENGINE % ''}]").replace("models: [smollm2-135m]", "models: [toy]")
    assert changed.count("simulated") == 1 and "[toy]" in changed
    return changed


def a_plan(engines, prompts=1, max_tokens=(16,), temperature=(0.7,), repeats=3):
    texts = ", ".join(f"{{id: p{i}, text: hello}}" for i in range(prompts))
    return (f"version: 1\nname: small\nengines: [{engines}]\nmodels: [toy]\nprompts: [{texts}]\nmax_tokens: {list(max_tokens)}\n"
            f"temperature: {list(temperature)}\nrepeats: {repeats}\nwarmup: 0\n")


PLANS = {
    "study": the_study(),
    "temperature matters, runs fail": a_plan(ENGINE % ", temperature_slope: 0.5, fail_every: 19", prompts=2, max_tokens=(8, 32), temperature=(0.3, 0.7),
                                             repeats=5),
    "two series, greedy": a_plan("{simulated: {name: slow, ttft_ms: 2, gap_ms: 0.3, run_sd: 0.02}}, {simulated: {name: fast, gap_ms: 0.1, run_sd: 0.02}}",
                                 max_tokens=(8, 16), temperature=(0.0, 0.7), repeats=10),
    "nothing varies": a_plan(ENGINE % "", repeats=6),
    "one repeat": a_plan(ENGINE % "", prompts=2, max_tokens=(8, 16, 32), repeats=1),
}


@functools.cache
def results_folder():
    return tempfile.TemporaryDirectory(prefix="inferometer-sentences-")


@functools.cache
def results_of(name):
    """The results folder of a plan, run and analyzed once."""
    folder = pathlib.Path(results_folder().name)
    plan, out = folder / f"{len(name)}.yaml", folder / f"{len(name)}"
    plan.write_text(PLANS[name], encoding="utf-8")
    for words in (["run", plan], ["analyze"]):
        done = inferometer(*words, "--out", out, timeout=300)
        assert done.returncode == 0, done.stderr
    return out


class Sentences(CliTest):
    def study(self, name):
        """The summary of a plan and the rows of its runs.csv."""
        out = results_of(name)
        with open(out / "analysis" / "runs.csv", newline="", encoding="utf-8") as file:
            runs = list(csv.DictReader(file))
        return copy.deepcopy(self.json_of("summary", "--out", out, "--json", schema_name="summary")), runs

    def test_every_sentence_is_traced(self):
        for name in PLANS:
            with self.subTest(name):
                summary, runs = self.study(name)
                self.assertEqual(sentence_templates.untraced(summary, runs), [])
                self.assertGreater(len(summary["conclusions"]), 3)

    def test_the_study_says_what_it_is_about(self):
        summary, _ = self.study("study")
        self.assertEqual(summary["runs_ok"], 54)
        rules = {c["id"] for c in summary["conclusions"]}
        self.assertLessEqual({"scaling", "temperature", "variability", "repeatability", "fitness_long_form"}, rules)
        self.assertIn("for these three prompts", next(c["text"] for c in summary["conclusions"] if c["id"] == "temperature"))

    def test_the_text_holds_the_same_sentences_and_the_rate_of_all_tokens(self):
        summary, _ = self.study("study")
        text = re.sub(r"\s+", " ", self.succeeds("summary", "--out", results_of("study")).stdout)
        for sentence in summary["conclusions"] + summary["warnings"]:
            self.assertIn(sentence["text"], text)
        shown = re.search(r"All tokens over all time: ([\d.]+) tok/s", text)[1]
        self.assertTrue(sentence_templates.is_printed(shown, summary["total_tok_per_s"]), shown)

    def test_a_number_that_is_not_the_summarys_is_found(self):
        summary, runs = self.study("study")
        changed = 0
        for kind in ("conclusions", "warnings"):
            for i, sentence in enumerate(summary[kind]):
                for digits in re.finditer(r"\d+\.\d+", sentence["text"]):
                    if digits[0] in ("0.2", "0.10", "99.9", "3.5"):
                        continue  # a threshold that the sentence states
                    wrong = copy.deepcopy(summary)
                    other = f"{float(digits[0]) * 1.2 + 10 ** -len(digits[0].partition('.')[2]):.{len(digits[0].partition('.')[2])}f}"
                    wrong[kind][i]["text"] = sentence["text"][:digits.start()] + other + sentence["text"][digits.end():]
                    self.assertEqual(sentence_templates.untraced(wrong, runs), [wrong[kind][i]])
                    changed += 1
        self.assertGreater(changed, 30)

    def test_a_sentence_that_no_rule_writes_and_a_claim_that_no_test_allows_are_found(self):
        summary, runs = self.study("study")
        effect = next(c for c in summary["conclusions"] if c["id"] == "temperature")
        for planted in ({"id": "temperature", "text": "Temperature has no effect."}, {"id": "speed", "text": "This machine is fast."},
                        {"id": "temperature", "text": re.sub(r" \(95 % CI .*?\)", "", effect["text"])}):
            wrong = summary | {"conclusions": [*summary["conclusions"], planted]}
            self.assertEqual(sentence_templates.untraced(wrong, runs), [planted])
        for tested in (t for t in summary["temperature_effect"] if t["metric"] == "latency_s"):
            tested["verdict"] = "different" if tested["verdict"] != "different" else "equivalent"
        self.assertIn(effect, sentence_templates.untraced(summary, runs))

    def test_an_effect_without_its_interval_is_found(self):
        summary, runs = self.study("study")
        rules = {"temperature"}
        for effect in summary["temperature_effect"]:
            effect["ratio_ci95"] = None
        for fit in summary["scaling"]:
            rules |= {"scaling"} if fit["per_token_ci95"] else set()  # where time leaves the line its intervals
            fit["per_token_ci95"] = None
        self.assertEqual({c["id"] for c in sentence_templates.untraced(summary, runs)}, rules)


if __name__ == "__main__":
    main()
