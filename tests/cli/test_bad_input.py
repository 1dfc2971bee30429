"""Bad input of every verb: one line that names the thing, what was expected and what was found; the exit code; nothing half-written."""
import csv
import json
import os
import shutil
import struct
import subprocess

from harness import PARTS, PROGRAM, VERBS, CliTest, inferometer, main, tiny_model, wait_for_runs

USAGE, FAILED = 2, 1
# Verbs that read a model, with what else they require.
READERS = [("generate", "-p", "hi", "-n", "1", "-m"), ("tokenize", "-m"), ("bench", "-p", "1", "-n", "0", "-r", "1", "-m"), ("models", "inspect")]

PLAN = """version: 1
name: small
engines: [{{simulated: {{ttft_ms: 1, gap_ms: 1}}}}]
models: [anything]
prompts: [{{id: one, text: "hello"}}]
max_tokens: [2]
temperature: [{temperature}]
repeats: {repeats}
{more}
"""


def plan_text(temperature="0.3", repeats="1", more=""):
    return PLAN.format(temperature=temperature, repeats=repeats, more=more)


class WrongFlags(CliTest):
    def test_an_unknown_flag_is_named(self):
        required = {"generate": ["-m", "x", "-p", "y"], "chat": ["-m", "x"], "tokenize": ["-m", "x"], "bench": ["-m", "x"], "run": ["x"],
                    "compare": ["x"], "reproduce": ["x"], "verify": ["-m", "x"], "completions": ["bash"]}
        for verb in VERBS:
            with self.subTest(verb=verb):
                if verb not in PARTS:
                    self.refuses(verb, *required.get(verb, []), "--frobnicate", code=USAGE, naming=["--frobnicate", f"inferometer {verb} --help"])
        required = {"pull": ["x"], "inspect": ["x"], "convert": ["x", "--to", "mlx", "-o", "y"], "synth": ["x", "-o", "y"],
                    "delete": ["--session", "1"], "merge": ["x"], "llama-bench": ["x"], "study": ["x"]}
        for verb, parts in PARTS.items():
            for part in parts:
                with self.subTest(verb=verb, part=part):
                    self.refuses(verb, part, *required.get(part, []), "--frobnicate", code=USAGE,
                                 naming=["--frobnicate", f"inferometer {verb} {part} --help"])

    def test_an_unknown_verb_is_named_with_those_there_are(self):
        self.refuses("frobnicate", code=USAGE, naming=["frobnicate", "generate", "doctor"])

    def test_what_is_required_is_named(self):
        self.refuses("generate", code=USAGE, naming="--model")
        self.refuses("generate", "-m", "x", code=USAGE, naming="--prompt")
        self.refuses("run", code=USAGE, naming="plan")
        self.refuses("models", code=USAGE)

    def test_values_out_of_range_are_named(self):
        for flag, value in [("-n", "0"), ("-n", "-3"), ("--temp", "nan"), ("--temp", "-1"), ("--top-p", "1.5"), ("--ctx", "0"), ("-t", "0"),
                            ("--accuracy", "sloppy"), ("--seed", "-1"), ("--speculate", "magic")]:
            with self.subTest(flag=flag, value=value):
                self.refuses("generate", "-m", tiny_model(), "-p", "hi", flag, value, code=USAGE, naming=value)
        for flag, value in [("-p", "1-"), ("-n", "x"), ("-d", "-1"), ("-r", "0"), ("-o", "xml"), ("-t", "0"), ("--parallel", "0"), ("--parallel", "x")]:
            with self.subTest(flag=flag, value=value):
                self.refuses("bench", "-m", tiny_model(), flag, value, code=USAGE, naming=value)

    def test_engine_and_instruction_set_are_named_with_those_there_are(self):
        self.refuses("generate", "-m", tiny_model(), "-p", "hi", "--engine", "warp", code=USAGE, naming=["warp", "embedded"])
        self.refuses("generate", "-m", tiny_model(), "-p", "hi", "--isa", "sse9", code=USAGE, naming=["sse9", "reference"])
        self.refuses("generate", "-m", tiny_model(), "-p", "hi", environment={"IFM_ISA": "sse9"}, code=USAGE,
                     naming=["IFM_ISA", "sse9", "reference"])

    def test_a_context_that_is_too_small_is_refused(self):
        self.refuses("bench", "-m", tiny_model(), "-p", "64", "-n", "0", "--ctx", "8", code=USAGE, naming=["64", "8"])


class Misuse(CliTest):
    """What can be asked but not done has one line; what can be done has a defined result."""

    def ids(self, *arguments, **keywords):
        return self.json_of("generate", "--raw", "-m", tiny_model(), "-p", "hello there", "-n", 8, "--ignore-eos", "--json", *arguments,
                            schema_name="generate", **keywords)["output_ids"]

    def test_more_threads_than_cores_give_the_same_ids(self):
        self.assertEqual(self.ids("-t", 4 * (os.cpu_count() or 1)), self.ids("-t", 1))

    def test_the_scalar_kernels_serve_a_processor_without_better_ones(self):
        self.assertEqual(len(self.ids("--isa", "reference")), 8)
        self.assertEqual(self.ids(environment={"IFM_ISA": "reference"}), self.ids("--isa", "reference"))

    def test_what_does_not_fit_the_context_is_refused(self):
        generate = ("generate", "--raw", "-m", tiny_model(), "--ctx", 32)
        self.refuses(*generate, "-p", "hello", "-n", 400, code=FAILED, naming=["context", "400", "32"])
        self.refuses(*generate, "-p", "hello " * 200, "-n", 1, code=FAILED, naming=["context", "32"])
        self.refuses("generate", "-m", tiny_model(), "-p", "hello", "--ctx", 100000, code=USAGE, naming=["100000", "2048"])
        self.refuses("bench", "-m", tiny_model(), "-p", 8, "-n", 0, "-d", 4000, code=USAGE, naming=["4008", "2048"])

    def test_no_tokens_to_generate_are_refused(self):
        self.refuses("generate", "-m", tiny_model(), "-p", "hello", "-n", 0, code=USAGE, naming=["--max-tokens", "got 0"])
        self.refuses("bench", "-m", tiny_model(), "-p", 0, "-n", 0, code=USAGE, naming="nothing to measure")

    def test_fault_14_weights_that_are_not_numbers_are_one_line_and_no_text(self):
        for name in ("model.layers.0.self_attn.k_proj.scales", "model.layers.0.mlp.down_proj.biases", "model.embed_tokens.scales"):
            model = self.folder / name
            shutil.copytree(tiny_model(), model)
            file = model / "model.safetensors"
            data = bytearray(file.read_bytes())
            size = struct.unpack_from("<Q", data)[0]
            tensor = json.loads(data[8:8 + size])[name]
            self.assertIn(tensor["dtype"], ("BF16", "F16"))
            begin, end = tensor["data_offsets"]
            for at in range(8 + size + begin, 8 + size + end, 2):
                struct.pack_into("<H", data, at, 0x7FC0 if tensor["dtype"] == "BF16" else 0x7E00)
            file.write_bytes(data)
            for more in ((), ("--temp", 0.7), ("--isa", "reference"), ("--accuracy", "exact"), ("--speculate", "lookup")):
                with self.subTest(tensor=name, more=more):
                    self.refuses("generate", "--raw", "-m", model, "-p", "hello there", "-n", 8, *more, code=FAILED,
                                        naming="logits: not finite")
            for row in (("-p", 8, "-n", 0), ("-p", 0, "-n", 4), ("-p", 0, "-n", 4, "--parallel", 2, "--accuracy", "exact")):
                with self.subTest(tensor=name, row=row):
                    done = inferometer("bench", "-m", model, "-r", 1, *row)
                    self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
                    # Where the work stood is on standard error, too.
                    errors = [line for line in done.stderr.splitlines() if not line.startswith("bench ")]
                    self.assertEqual(len(errors), 1, done.stderr)
                    self.assertTrue(errors[0].startswith("inferometer: logits: not finite"), errors)


class ShrinkingFiles(CliTest):
    def test_fault_15_a_file_that_shrinks_while_it_is_read_is_one_line(self):
        model = self.folder / "model"
        shutil.copytree(tiny_model(), model)
        with subprocess.Popen([PROGRAM, "generate", "-m", str(model), "--raw", "-p", "hello", "-n", "2000", "--ignore-eos"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            self.assertTrue(program.stdout.read(1))
            os.truncate(model / "model.safetensors", 4096)
            _, errors = program.communicate(timeout=120)
        self.assertEqual(program.returncode, FAILED, errors)
        self.assertIn("model.safetensors: cannot be read any more: the file shrank", errors.splitlines()[-1])

    def test_fault_15_runs_fail_and_the_session_goes_on(self):
        model = self.folder / "model"
        shutil.copytree(tiny_model(), model)
        plan = self.folder / "plan.yaml"
        plan.write_text(f"""version: 1
name: shrinks
engines: [embedded, {{simulated: {{ttft_ms: 1, gap_ms: 40}}}}]
models: [{model}]
prompts: [{{id: one, text: "hello", raw: true}}]
max_tokens: [16]
temperature: [0]
repeats: 6
ignore_eos: true
""", encoding="utf-8")
        out = self.folder / "out"
        with subprocess.Popen([PROGRAM, "run", str(plan), "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            wait_for_runs(out / "inferometer.db", 1, where="engine = 'embedded' AND kind = 'measured'")
            os.truncate(model / "model.safetensors", 4096)
            _, errors = program.communicate(timeout=120)
        self.assertGreaterEqual(program.returncode, 0, errors)
        self.succeeds("analyze", "--out", out)
        with open(out / "analysis" / "runs.csv", encoding="utf-8", newline="") as file:
            runs = list(csv.DictReader(file))
        embedded = [run for run in runs if run["engine"] == "embedded"]
        self.assertEqual({run["status"] for run in runs if run["engine"] != "embedded"}, {"ok"})
        self.assertEqual(embedded[0]["status"], "ok")
        self.assertEqual((embedded[-1]["status"], len(embedded)), ("failed", 6))


class BadModels(CliTest):
    def broken(self, form="mlx"):
        copy = self.folder / tiny_model(form).name
        if form == "mlx":
            shutil.copytree(tiny_model(), copy)
        else:
            shutil.copy(tiny_model(form), copy)
        return copy

    def edit_json(self, folder, name, change):
        file = folder / name
        document = json.loads(file.read_text(encoding="utf-8"))
        change(document)
        file.write_text(json.dumps(document), encoding="utf-8")

    def all_refuse(self, model, naming, readers=READERS, code=FAILED):
        for verb in readers:
            with self.subTest(verb=verb[0]):
                self.refuses(*verb, model, code=code, naming=naming)

    def test_missing(self):
        self.all_refuse(self.folder / "nowhere", "nowhere")
        self.all_refuse(self.folder / "nowhere.gguf", "nowhere.gguf")
        self.all_refuse("no-such-name", ["no-such-name", "models list"])

    def test_unreadable(self):
        loop = self.folder / "loop"
        loop.symlink_to(loop)
        self.all_refuse(loop, "loop")
        if os.geteuid() != 0:  # root reads everything
            closed = self.broken()
            closed.chmod(0)
            self.addCleanup(closed.chmod, 0o700)
            self.all_refuse(closed, closed)

    def test_an_empty_folder(self):
        self.all_refuse(self.folder, "config.json")

    def test_truncated_weights(self):
        weights_readers = [verb for verb in READERS if verb[0] != "tokenize"]
        for form in ("mlx", "gguf"):
            model = self.broken(form)
            file = model / "model.safetensors" if form == "mlx" else model
            os.truncate(file, file.stat().st_size - 1000)
            self.all_refuse(model, file.name, weights_readers)
            os.truncate(file, 5)
            self.all_refuse(model, file.name)

    def test_unknown_architecture(self):
        model = self.broken()
        self.edit_json(model, "config.json", lambda config: config.update(model_type="mamba", architectures=["MambaForCausalLM"]))
        self.all_refuse(model, ["config.json", "mamba"])

    def test_unknown_tensor_type(self):
        model = self.broken("gguf")
        data = bytearray(model.read_bytes())
        name = b"blk.0.attn_q.weight"
        at = data.index(struct.pack("<Q", len(name)) + name) + 8 + len(name)
        dims = struct.unpack_from("<I", data, at)[0]
        struct.pack_into("<I", data, at + 4 + 8 * dims, 16)  # IQ2_XXS
        model.write_bytes(data)
        self.all_refuse(model, ["blk.0.attn_q.weight", "IQ2_XXS"])

    def test_unknown_template_construct(self):
        model = self.broken()
        self.edit_json(model, "tokenizer_config.json", lambda config: config.update(chat_template="{% call frob() %}{% endcall %}"))
        (model / "chat_template.jinja").unlink(missing_ok=True)
        self.all_refuse(model, ["tokenizer_config.json: chat template line 1", "call"], [READERS[0]])
        self.succeeds("generate", "--raw", "-m", model, "-p", "hello", "-n", 2)

    def test_broken_tokenizer(self):
        model = self.broken()
        self.edit_json(model, "tokenizer.json", lambda tokenizer: tokenizer.update(pre_tokenizer={"type": "Telepathy"}))
        self.all_refuse(model, ["tokenizer.json", "Telepathy"], READERS[:2])
        (model / "tokenizer.json").write_text("{", encoding="utf-8")
        self.all_refuse(model, "tokenizer.json", READERS[:2])

    def test_wrong_settings(self):
        model = self.broken()
        self.edit_json(model, "config.json", lambda config: config.update(num_attention_heads=0))
        self.all_refuse(model, ["config.json", "attention heads is 0"])
        (model / "config.json").write_text('{"model_type":', encoding="utf-8")
        self.all_refuse(model, "config.json")

    def test_a_prompt_longer_than_the_context(self):
        self.refuses("generate", "-m", tiny_model(), "-p", "word " * 200, "--ctx", "16", code=FAILED, naming="16")

    def test_convert_and_synth_leave_nothing_half_written(self):
        out = self.folder / "out"
        self.refuses("models", "convert", self.folder / "nowhere.gguf", "--to", "mlx", "-o", out, code=FAILED, naming="nowhere.gguf")
        model = self.broken("gguf")
        os.truncate(model, model.stat().st_size - 1000)
        self.refuses("models", "convert", model, "--to", "mlx", "-o", out, code=FAILED, naming=model.name)
        self.refuses("models", "synth", "no-such-shape", "-o", out, code=USAGE, naming="no-such-shape")
        self.refuses("models", "pull", "no-such-name", code=FAILED, naming="no-such-name")
        self.assertFalse(out.exists())
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), [model.name])


class BadPlans(CliTest):
    def refuses_plan(self, text, naming, code=USAGE):
        plan = self.folder / "plan.yaml"
        plan.write_text(text, encoding="utf-8")
        out = self.folder / "out"
        self.refuses("run", plan, "--out", out, code=code, naming=naming)
        self.assertFalse(out.exists(), "a refused plan leaves no results folder")

    def test_missing(self):
        self.refuses("run", self.folder / "nowhere.yaml", code=FAILED, naming="nowhere.yaml")

    def test_bad_yaml_is_named_with_its_line(self):
        self.refuses_plan("version: 1\nname: [unclosed\nseed: 1\n", "plan.yaml:")

    def test_unknown_and_duplicate_keys_are_named_with_their_line(self):
        self.refuses_plan(plan_text(more="colour: red"), ["plan.yaml:9", "colour"])
        self.refuses_plan(plan_text(more="name: twice"), ["plan.yaml:9", "name"])

    def test_wrong_values_are_named_with_their_line(self):
        self.refuses_plan(plan_text(temperature="hot"), ["plan.yaml:7", "hot"])
        self.refuses_plan(plan_text(repeats="0"), ["plan.yaml:8", "0"])

    def test_a_model_that_is_not_there_fails_before_the_first_run(self):
        self.refuses_plan("version: 1\nname: x\nmodels: [no-such-name]\nprompts: [{id: a, text: b}]\nmax_tokens: [1]\ntemperature: [0]\n",
                          "no-such-name", code=FAILED)

    def test_fault_61_results_never_go_into_a_model(self):
        model = self.folder / "model"
        shutil.copytree(tiny_model(), model)
        before = sorted(path.name for path in model.iterdir())
        plan = self.folder / "plan.yaml"
        plan.write_text(f"version: 1\nname: x\nmodels: [{model}]\nprompts: [{{id: a, text: b}}]\nmax_tokens: [1]\ntemperature: [0]\n", encoding="utf-8")
        (self.folder / "link").symlink_to(model)
        for out in (model, model / "results", self.folder / "link" / "results"):
            self.refuses("run", plan, "--out", out, code=USAGE, naming=["lies inside the model", model])
        self.assertEqual(sorted(path.name for path in model.iterdir()), before)

    def test_fault_97_results_that_cannot_be_written(self):
        plan = self.folder / "plan.yaml"
        plan.write_text(plan_text(), encoding="utf-8")
        file = self.folder / "file"
        file.write_text("x", encoding="utf-8")
        self.refuses("run", plan, "--out", file, code=FAILED, naming="file")
        self.refuses("run", plan, "--out", file / "below", code=FAILED, naming="file")


class BadResults(CliTest):
    def both_refuse(self, naming, *more, code=FAILED):
        for verb in ("analyze", "summary"):
            with self.subTest(verb=verb):
                self.refuses(verb, "--out", self.folder, *more, code=code, naming=naming)

    def test_no_results(self):
        self.both_refuse("inferometer.db")
        self.assertEqual(list(self.folder.iterdir()), [], "looking for results makes none")

    def test_a_file_that_is_no_results_file(self):
        (self.folder / "inferometer.db").write_text("this is no database, but long enough to look at" * 20, encoding="utf-8")
        self.both_refuse("inferometer.db")

    def test_unreadable(self):
        (self.folder / "inferometer.db").symlink_to(self.folder / "inferometer.db")
        self.both_refuse("inferometer.db")

    def test_a_session_that_is_not_there(self):
        plan = self.folder / "plan.yaml"
        plan.write_text(plan_text(), encoding="utf-8")
        self.succeeds("run", plan, "--out", self.folder)
        self.both_refuse("99", "--session", "99")


if __name__ == "__main__":
    main()
