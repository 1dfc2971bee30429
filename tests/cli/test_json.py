"""What programs read fits its schema, and its figures fit one another."""
import json
import statistics

from harness import CliTest, inferometer, main, schema, tiny_model


class GenerateJson(CliTest):
    def test_figures_agree_with_one_another(self):
        out = self.json_of("generate", "-m", tiny_model(), "-p", "hello", "-n", 16, "--ignore-eos", "--seed", 7, "--temp", 0.5, "--json",
                           schema_name="generate")
        self.assertEqual(out["output_tokens"], 16)
        self.assertEqual(len(out["output_ids"]), 16)
        self.assertEqual(len(out["prompt_ids"]), out["prompt_tokens"])
        self.assertEqual((out["finish_reason"], out["seed"], out["temperature"]), ("length", 7, 0.5))
        self.assertEqual(out["model"], str(tiny_model()))
        self.assertEqual(out["engine"], "embedded")
        self.assertLess(out["ttft_s"], out["e2e_s"])
        # METHOD: decode = (N - first event's tokens) / (last - first event)
        self.assertAlmostEqual(out["decode_tok_per_s"] * (out["e2e_s"] - out["ttft_s"]), 15, places=6)

    def test_one_token_has_no_decode_speed(self):
        out = self.json_of("generate", "-m", tiny_model(), "-p", "hello", "-n", 1, "--ignore-eos", "--json", schema_name="generate")
        self.assertIsNone(out["decode_tok_per_s"])
        self.assertEqual(out["ttft_s"], out["e2e_s"])

    def test_speculation_changes_no_id_and_says_what_it_was_worth(self):
        arguments = ["generate", "-m", tiny_model(), "-p", "hello hello hello", "-n", 40, "--ignore-eos", "--json"]
        plain = self.json_of(*arguments, schema_name="generate")
        guessed = self.json_of(*arguments, "--speculate", "lookup", schema_name="generate")
        self.assertEqual(guessed["output_ids"], plain["output_ids"])
        self.assertIsNone(plain["drafted_tokens"])
        self.assertGreater(guessed["accepted_tokens"], 0)
        self.assertGreaterEqual(guessed["drafted_tokens"], guessed["accepted_tokens"])
        self.assertGreater(guessed["tokens_per_step"], 1)
        self.refuses("generate", "--engine", "simulated", "-m", "x", "-p", "y", "--speculate", "lookup", code=2, naming="simulated")

    def test_the_simulated_engine_is_reached(self):
        out = self.json_of("generate", "--engine", "simulated", "-m", "anything", "-p", "hello", "-n", 3, "--ignore-eos", "--json",
                           schema_name="generate")
        self.assertEqual((out["engine"], out["output_tokens"]), ("simulated", 3))


class BenchJson(CliTest):
    def test_without_limits_there_are_no_shares(self):
        for row in self.rows("-p", 8, "-n", 4, "--no-limits"):
            self.assertGreater(row["avg_ts"], 0)
            self.assertEqual((row["measured_read_gb_per_s"], row["measured_int8_gmac_per_s"], row["flags"]), ([], [], []))
            self.assertEqual((row["read_gb_per_s"], row["int8_gmac_per_s"], row["mbu"], row["mac_share"], row["limit_share"]), (None,) * 5)
        table = inferometer("bench", "-m", tiny_model(), "-p", 8, "-n", 0, "-r", 1, "--no-limits").stdout
        self.assertIn("pp8", table)
        self.assertNotIn("limits", table)

    def rows(self, *arguments):
        return self.json_of("bench", "-m", tiny_model(), "-r", 2, "-o", "json", *arguments, schema_name="bench")

    def test_rows_and_their_figures(self):
        rows = self.rows("-p", "8,16", "-n", 4, "-d", "0,32")
        self.assertEqual([row["test"] for row in rows], ["pp8", "pp16", "tg4", "pp8 @ d32", "pp16 @ d32", "tg4 @ d32"])
        for row in rows:
            tokens = row["n_prompt"] + row["n_gen"]
            self.assertEqual(len(row["samples_ns"]), 2)
            self.assertAlmostEqual(row["avg_ns"], sum(row["samples_ns"]) / 2, delta=1)
            for ns, ts in zip(row["samples_ns"], row["samples_ts"]):
                self.assertAlmostEqual(ts, tokens * 1e9 / ns, delta=ts * 1e-12)
            self.assertAlmostEqual(row["mac_share"], self.share(row, "macs_per_token", "measured_int8_gmac_per_s"), places=12)
            if row["n_gen"]:
                self.assertAlmostEqual(row["mbu"], self.share(row, "bytes_per_token", "measured_read_gb_per_s"), places=12)
            else:
                self.assertIsNone(row["mbu"])

    def share(self, row, per_token, limit):
        """Median share of samples during which no limit changed by more than a tenth; of all where there is none."""
        steady, all_samples = [], []
        for i, ts in enumerate(row["samples_ts"]):
            around = [row[key][i : i + 2] for key in ("measured_read_gb_per_s", "measured_int8_gmac_per_s")]
            all_samples.append(row[per_token] * ts / (max(row[limit][i : i + 2]) * 1e9))
            if all(min(pair) >= 0.9 * max(pair) for pair in around):
                steady.append(all_samples[-1])
        self.assertEqual("limits_changed" in row["flags"], not steady)
        return statistics.median(steady or all_samples)

    def test_sequences_together_share_the_weights(self):
        alone, together = self.rows("-p", 0, "-n", 4, "--parallel", "1,3")
        self.assertEqual([row["test"] for row in (alone, together)], ["tg4", "tg4 x 3"])
        self.assertEqual([row["n_parallel"] for row in (alone, together)], [1, 3])
        self.assertLess(together["bytes_per_token"], alone["bytes_per_token"])
        for ns, ts in zip(together["samples_ns"], together["samples_ts"]):
            self.assertAlmostEqual(ts * ns / 1e9, 12, places=6, msg="tokens of all sequences")
        self.assertEqual(together["limit_share"], max(together["mbu"], together["mac_share"]))

    def test_deeper_steps_move_more_bytes(self):
        shallow, deep = self.rows("-p", 0, "-n", 2, "-d", "0,64")
        self.assertGreater(deep["bytes_per_token"], shallow["bytes_per_token"])

    def test_jsonl_is_one_row_on_each_line(self):
        lines = self.succeeds("bench", "-m", tiny_model(), "-r", 1, "-p", 4, "-n", 2, "-o", "jsonl").stdout.splitlines()
        self.assert_fits([json.loads(line) for line in lines], schema("bench"))
        self.assertEqual(len(lines), 2)

    def test_threads_are_a_list_too(self):
        self.assertEqual([row["n_threads"] for row in self.rows("-p", 4, "-n", 0, "-t", "1,2")], [1, 2])

    def test_table_and_csv_name_the_rows(self):
        self.assertIn("| pp4 ", self.succeeds("bench", "-m", tiny_model(), "-r", 1, "-p", 4, "-n", 0).stdout)
        header, line = self.succeeds("bench", "-m", tiny_model(), "-r", 1, "-p", 4, "-n", 0, "-o", "csv").stdout.splitlines()
        self.assertTrue(header.startswith("build_commit,"))
        self.assertIn('"pp4"', line)

    def test_shares_are_of_the_instruction_set_in_use(self):
        for forced in ({"environment": {"IFM_ISA": "reference"}}, {}):
            arguments = ["bench", "-m", tiny_model(), "-r", 1, "-p", 4, "-n", 0, *([] if forced else ["--isa", "reference"])]
            row = self.json_of(*arguments, "-o", "json", schema_name="bench", **forced)[0]
            self.assertEqual((row["isa"], row["int8_instruction"]), ("reference", "plain code"))
            self.assertIn("with plain code, the peak of reference", self.succeeds(*arguments, **forced).stdout)

    def test_exact_prompts_have_a_share_too(self):
        row = self.rows("-p", 8, "-n", 0, "--accuracy", "exact")[0]
        self.assertEqual(row["accuracy"], "exact")
        self.assertAlmostEqual(row["mac_share"], self.share(row, "macs_per_token", "measured_int8_gmac_per_s"), places=12)

    def test_an_engine_without_bare_evaluation_is_refused(self):
        self.refuses("bench", "--engine", "simulated", "-m", "anything", code=1, naming="simulated")


class OtherJson(CliTest):
    def test_doctor(self):
        out = self.json_of("doctor", "--json", schema_name="doctor")
        self.assertIn(out["isa"], out["isas"])

    def test_engines(self):
        names = [engine["engine"] for engine in self.json_of("engines", "--json", schema_name="engines") if engine["available"]]
        self.assertIn("embedded", names)
        self.assertIn("simulated", names)

    def test_models_list_and_inspect(self):
        names = [model["model"] for model in self.json_of("models", "list", "--json", schema_name="models_list")]
        self.assertIn("smollm2-135m", names)
        for form in ("mlx", "gguf"):
            out = self.json_of("models", "inspect", tiny_model(form), "--json", schema_name="models_inspect")
            self.assertEqual(out["architecture"], "llama")

    def test_tokenize(self):
        lines = self.succeeds("tokenize", "-m", tiny_model(), "--json", stdin="hello\n\nworld").stdout.splitlines()
        self.assertEqual([bool(json.loads(line)) for line in lines], [True, False, True])
        plain = self.succeeds("tokenize", "-m", tiny_model(), stdin="hello\n\nworld").stdout.splitlines()
        self.assertEqual([[int(word) for word in line.split()] for line in plain], [json.loads(line) for line in lines])


PLAN = """\
version: 1
name: small
seed: 3
engines: [{simulated: {ttft_ms: 2, gap_ms: 1, prefill_us_per_token: 10}}]
models: [anything]
prompts: [{id: one, text: "hello"}]
max_tokens: [2, 4]
temperature: [0.3, 0.7]
repeats: 2
warmup: 1
ignore_eos: true
"""


class StudyJson(CliTest):
    def test_summary_of_a_simulated_study(self):
        plan = self.folder / "plan.yaml"
        plan.write_text(PLAN, encoding="utf-8")
        out = self.folder / "out"
        self.succeeds("run", plan, "--out", out)
        summary = self.json_of("summary", "--out", out, "--json", schema_name="summary")
        self.assertEqual((summary["plan"], summary["runs_ok"], summary["runs_failed"]), ("small", 8, 0))
        self.assertEqual(inferometer("summary", "--out", out).stderr, "")


if __name__ == "__main__":
    main()
