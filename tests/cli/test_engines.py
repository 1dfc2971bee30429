"""All engines of this build in one plan: they live in one process, run in turns, and count alike; absent ones are said before a run."""
import json
import shutil

from harness import CliTest, inferometer, main, stored, tiny_model


def here():
    return {engine["engine"]: engine for engine in json.loads(inferometer("engines", "--json").stdout)}


class Engines(CliTest):
    def run_plan(self, engines, code):
        plan = self.folder / "plan.yaml"
        plan.write_text(f"version: 1\nname: engines\nengines: {engines}\nmodels: [{json.dumps(str(tiny_model()))}]\n"
                        "prompts: [{id: a, text: hello}]\nmax_tokens: [3, 9]\ntemperature: [0, 0.7]\nrepeats: 2\n")
        done = inferometer("run", plan, "--out", self.folder / "out")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_every_engine_runs_the_same_plan_in_one_process(self):
        known = here()
        engines = ["embedded", "{process: {name: child}}"]
        if known["mlx"]["available"]:
            engines.append("mlx")
        if known["llama_cpp"]["available"]:
            engines.append(f"{{llama_cpp: {{model: {json.dumps(str(tiny_model('gguf')))}}}}}")
        self.run_plan(f"[{', '.join(engines)}]", 0)
        database = self.folder / "out/inferometer.db"
        rows = stored(database, "select engine, status, max_tokens, output_tokens, temperature, ids_hash, error_kind from run"
                                " where kind = 'measured'")
        versions = [version for (version,) in stored(database, "select engine_version from session_model")]
        waiting = [share for (share,) in stored(database, "select waiting_cpu_share from block order by block")]
        self.assertEqual(len([version for version in versions if version]), len(engines))
        # All engines are loaded from the second block on, and none of them may use the processor while it waits.
        self.assertIsNone(waiting[0])
        for share in waiting[1:]:
            self.assertLess(share, 0.1, f"cores busy while {len(engines)} engines wait")
        self.assertEqual(len(rows), 8 * len(engines))
        for engine, status, asked, tokens, _, _, error in rows:
            self.assertEqual(tokens, asked, engine)
            # On a busy machine a line of a child may come a millisecond late, which makes its run invalid.
            self.assertIn((status, error), [("ok", ""), ("failed", "clock")], engine)
        greedy = {}
        for engine, _, asked, _, temperature, ids, _ in rows:
            if temperature == 0:
                greedy.setdefault((engine, asked), set()).add(ids)
        self.assertTrue(all(len(hashes) == 1 for hashes in greedy.values()), "greedy repeats give the same ids")
        self.assertEqual(greedy["embedded", 9], greedy["child", 9], "a child computes what its parent does")

    def test_an_absent_engine_is_said_before_the_first_run_with_what_to_install(self):
        for kind in ("mlx", "llama_cpp"):
            if not here()[kind]["available"]:
                done = self.run_plan(f"[{kind}]", 1)
                self.assertIn("./quickstart.sh --with", done.stderr)
                self.assertFalse((self.folder / "out").exists())

    def test_an_engine_that_cannot_load_a_model_says_who_can(self):
        known = here()
        if known["mlx"]["available"]:
            self.refuses("generate", "-m", tiny_model("gguf"), "--engine", "mlx", "-p", "x", code=1, naming="embedded")
        if known["llama_cpp"]["available"]:
            self.refuses("generate", "-m", tiny_model(), "--engine", "llama_cpp", "-p", "x", code=1, naming="embedded")

    def test_a_model_of_any_name_is_run_by_every_engine_that_can_load_it(self):
        hub = self.folder / "hub"
        for name, form in (("folder", "mlx"), ("file", "gguf")):
            snapshot = hub / f"models--owner--{name}" / "snapshots" / "0123456789abcdef"
            if form == "mlx":
                shutil.copytree(tiny_model(), snapshot)
            else:
                snapshot.mkdir(parents=True)
                shutil.copy(tiny_model("gguf"), snapshot / "model.gguf")
            (hub / f"models--owner--{name}" / "refs").mkdir()
            (hub / f"models--owner--{name}" / "refs" / "main").write_text("0123456789abcdef")
        home = self.folder / "home" / "models"
        home.mkdir(parents=True)
        (home / "mine").symlink_to(tiny_model(), target_is_directory=True)
        environment = {"HF_HUB_CACHE": str(hub), "INFEROMETER_HOME": str(home.parent)}
        known = here()
        folders, files = [tiny_model(), "hf:owner/folder", "mine"], [tiny_model("gguf"), "hf:owner/file"]
        loads = {"embedded": folders + files, "mlx": folders, "llama_cpp": files}
        for engine, models in loads.items():
            for model in models if known[engine]["available"] else []:
                done = inferometer("generate", "-m", model, "--engine", engine, "-p", "hello", "-n", 2, "--ignore-eos", "--json",
                                   environment=environment)
                self.assertEqual(done.returncode, 0, (engine, model, done.stderr))
                self.assertEqual(json.loads(done.stdout)["output_tokens"], 2)

    def test_a_server_needs_an_address(self):
        self.refuses("generate", "-m", "x", "--engine", "openai", "-p", "x", code=2, naming="--url")


if __name__ == "__main__":
    main()
