"""`compare`: planted effects are found and named by cell, equal sides are not called different, and every ending has its exit code."""
import json
import xml.etree.ElementTree

from harness import PROGRAM, CliTest, inferometer, main, schema, tiny_model


def simulated(gap_ms, run_sd=0.004, **more):
    """Sleeps on the real clock: effects are planted so large that a busy machine does not hide them."""
    options = ", ".join(f"{key}: {value}" for key, value in {"gap_ms": gap_ms, "ttft_ms": 1, "run_sd": run_sd, **more}.items())
    return f"{{simulated: {{{options}}}}}"


class Compare(CliTest):
    def plan(self, models="toy", more=""):
        path = self.folder / "gate.yaml"
        path.write_text(f"version: 1\nname: gate\nengines: [simulated]\nmodels: [{models}]\nprompts: [{{id: p, text: hello}}]\n"
                        f"max_tokens: [4, 8]\ntemperature: [0.0]\nrepeats: 4\nwarmup: 0\n{more}", encoding="utf-8")
        return path

    def compare(self, a, b, *arguments, code, plan=None):
        done = inferometer("compare", a, b, plan or self.plan(), "--out", self.folder / "out", *arguments, timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def json(self, a, b, *arguments, code):
        found = json.loads(self.compare(a, b, "-o", "json", *arguments, code=code).stdout)
        self.assert_fits(found, schema("compare"))
        return found

    def test_a_planted_slowdown_is_a_regression_of_the_cells_that_have_it(self):
        found = self.json(simulated(2), simulated(4), "--pairs", 14, code=3)
        self.assertEqual(found["verdict"], "regression")
        self.assertEqual({cell["verdict"] for cell in found["cells"]}, {"regression"})
        self.assertEqual({cell["pairs"] for cell in found["cells"]}, {14 + found["extra_pairs"]})
        self.assertAlmostEqual(found["min_effect"], 0.01)
        low, high = found["ci95"]
        self.assertLess(low, found["effect"])
        self.assertGreater(high, found["effect"])
        self.assertGreater(found["effect"], 0.3)
        self.assertEqual(self.stored(self.folder / "out", code=3), found, "a stored comparison keeps its verdict")

    def test_faster_equal_and_undecided_have_their_codes(self):
        self.assertEqual(self.json(simulated(4), simulated(2), "--pairs", 14, code=0)["verdict"], "improvement")
        self.assertEqual(self.json(simulated(4), simulated(4), "--pairs", 16, "--min-effect", "90%", code=0)["verdict"], "equivalent")
        noisy = simulated(1, run_sd=0.3)
        found = self.json(noisy, noisy, "--pairs", 3, code=5)
        self.assertEqual(found["verdict"], "inconclusive")
        self.compare(noisy, noisy, "--pairs", 2, "--allow-inconclusive", code=0)

    def test_reports_for_people_for_pull_requests_and_for_ci(self):
        text = self.compare(simulated(2), simulated(4), "--pairs", 14, code=3).stdout
        self.assertIn("Comparison: regression", text)
        self.assertIn("AB/BA balanced", text)
        self.assertIn(text.splitlines()[0], inferometer("compare", self.folder / "out").stdout, "the pairs that are stored say the same")
        markdown = inferometer("compare", self.folder / "out", "-o", "md")
        self.assertEqual(markdown.returncode, 3)
        self.assertTrue(markdown.stdout.startswith("# "), markdown.stdout)
        junit = inferometer("compare", self.folder / "out", "-o", "junit")
        self.assertEqual(junit.returncode, 3)
        suite = xml.etree.ElementTree.fromstring(junit.stdout)
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("errors")), ("2", "2", "0"))

    def test_other_lengths_are_incomparable_and_failures_no_verdict(self):
        self.compare(simulated(1), simulated(1, fail_every=1), "--pairs", 2, code=4)

    def test_a_preflight_says_what_the_machine_can_see(self):
        done = inferometer("compare", self.plan(), "--preflight", "--pairs", 10, "--out", self.folder / "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("this runner sees", done.stdout)
        self.assertIn("called different in", done.stdout)

    def test_two_builds_each_in_processes_of_their_own(self):
        plan = self.plan(models=json.dumps(str(tiny_model()))).read_text().replace("simulated", "embedded")
        path = self.folder / "builds.yaml"
        path.write_text(plan)
        for attempt in range(5):
            done = inferometer("compare", "--bin-a", PROGRAM, "--bin-b", PROGRAM, path, "--pairs", 2, "--out", self.folder / f"out{attempt}", "-o", "json")
            # On a loaded machine a thread may be held between the two clocks for longer than METHOD allows: such runs are failures, rightly.
            if "clocks: " not in done.stderr:
                break
        found = json.loads(done.stdout)
        self.assert_fits(found, schema("compare"))
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertEqual(found["pairs"], 2)
        self.assertTrue(found["same_ids"])
        self.assertEqual(found["a"]["program"], PROGRAM)
        self.assertEqual(found["a"]["hash"], found["b"]["hash"])

    def study(self, name, engines="[simulated]"):
        """A folder of results of the plan's cells, made by `run`."""
        plan = self.plan()
        plan.write_text(plan.read_text().replace("[simulated]", engines))
        done = inferometer("run", plan, "--out", self.folder / name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.folder / name

    def stored(self, *words, code=4):
        done = inferometer("compare", *words, "-o", "json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        found = json.loads(done.stdout)
        self.assert_fits(found, schema("compare"))
        return found

    def test_stored_sessions_have_effects_and_no_verdict(self):
        one = self.study("one", f"[{simulated(2)}]")
        two = self.study("two", f"[{simulated(6)}]")
        found = self.stored(one, two)
        self.assertEqual((found["verdict"], found["design"], found["pairs"]), ("incomparable", "sessions", 0))
        self.assertIn("one after the other", found["why"][0])
        for cell in found["cells"]:
            self.assertGreater(cell["effect"], 0.5)
            self.assertEqual((cell["runs_a"], cell["p_slower"], cell["pairs"]), (4, None, 0))
            self.assertAlmostEqual(cell["p_permutation"], 2 / 70, msg="four runs against four, all of them apart: 2 of 70 ways to part them")
        text = inferometer("compare", one, two).stdout
        self.assertIn("Comparison: incomparable", text)
        self.assertIn("runs A", text)

    def test_two_engines_of_one_warm_session_have_no_verdict_either(self):
        both = self.study("both", f"[{{simulated: {{name: quick, gap_ms: 2}}}}, {{simulated: {{name: slow, gap_ms: 6}}}}]")
        found = self.stored(both)
        self.assertIn("is one process", found["why"][0])
        self.assertEqual(self.stored(both, "--side-a", "slow", "--side-b", "quick")["cells"][0]["effect"] < 0, True)
        self.refuses("compare", both, "--side-a", "slow", "--side-b", "none", code=2, naming="quick, slow")

    def test_a_pinned_program_is_the_baseline_until_another_is(self):
        plan = self.folder / "builds.yaml"
        plan.write_text(self.plan(models=json.dumps(str(tiny_model()))).read_text().replace("simulated", "embedded"))
        home = {"INFEROMETER_HOME": str(self.folder / "home")}
        self.refuses("compare", "--against", "pinned", plan, "--out", self.folder / "out", code=1, naming="compare --pin", environment=home)
        self.refuses("compare", "--pin", "--bin-b", "/bin/true", code=1, naming="is not an inferometer", environment=home)
        pinned = inferometer("compare", "--pin", environment=home)
        self.assertEqual(pinned.returncode, 0, pinned.stderr)
        done = inferometer("compare", "--against", "pinned", plan, "--pairs", 2, "--out", self.folder / "out", "-o", "json", environment=home)
        found = json.loads(done.stdout)
        self.assertEqual(found["a"]["program"], str(self.folder / "home" / "pinned" / "inferometer"))
        self.assertIsNone(found["b"]["program"])
        (self.folder / "home" / "pinned" / "inferometer").write_bytes(b"changed")
        self.refuses("compare", "--against", "pinned", plan, "--out", self.folder / "out", code=1, naming="pinned anew", environment=home)

    def test_what_cannot_be_compared_is_refused_before_a_run(self):
        self.refuses("compare", self.plan(), "--min-effect", "two", code=2, naming="--min-effect")
        self.refuses("compare", "a", self.plan(), code=2, naming="A B PLAN")
        self.refuses("compare", self.plan(), "--metric", "speed", "--pairs", 1, "--out", self.folder / "o", code=2, naming="speed")
        self.refuses("compare", "embedded", "{openai: {url: 'http://127.0.0.1:1'}}", self.plan(), code=2, naming="fresh process")


if __name__ == "__main__":
    main()
