"""`verify`: a model is itself, arithmetic that rounds is near, another model is not; what cannot be compared is refused."""
from harness import CliTest, inferometer, main, tiny_model


class Verify(CliTest):
    def verify(self, *arguments):
        return self.json_of("verify", "-m", tiny_model(), "--positions", 600, "--window", 64, *arguments, "--json", schema_name="verify")

    def test_a_model_agrees_with_itself(self):
        out = self.verify("--continuations", 3, "--tokens", 8)
        self.assertEqual((out["positions"], out["kl_mean"], out["kl_max"], out["same_top"]), (600, 0, 0, 1))
        self.assertEqual(out["ppl_a"], out["ppl_b"])
        self.assertEqual((out["continued_tokens"], out["divergences"]), (24, []))
        self.assertEqual(sum(bucket["positions"] for bucket in out["by_position"]), 600)
        self.assertIsNone(out["kl_p999"], "600 positions are too few")

    def test_rounding_is_near_and_the_reference_arithmetic_nearer(self):
        exact = "{embedded: {accuracy: exact}}"
        fast = self.verify("--against-engine", exact)
        scalar = self.verify("--engine", exact, "--against-engine", "{embedded: {accuracy: exact, isa: reference}}")
        self.assertGreater(fast["kl_mean"], scalar["kl_mean"])
        self.assertLess(fast["kl_mean"], 0.05)
        self.assertLess(scalar["kl_mean"], 1e-4)
        self.assertEqual(fast["a"]["accuracy"], "fast")
        self.assertEqual(fast["b"]["accuracy"], "exact")
        low, high = fast["kl_mean_ci95"]
        self.assertLess(low, fast["kl_mean"])
        self.assertGreater(high, fast["kl_mean"])

    def test_another_model_is_not_near_and_its_divergences_are_no_rounding(self):
        other = self.folder / "other"
        self.assertEqual(inferometer("models", "synth", "tiny-llama", "--seed", 2, "-o", other).returncode, 0)
        out = self.verify("--against", other, "--continuations", 4)
        self.assertGreater(out["kl_mean"], 0.01)
        self.assertLess(out["same_top"], 0.5)
        text = inferometer("verify", "-m", tiny_model(), "--against", other, "--positions", 200, "--continuations", 4).stdout
        self.assertIn("(the reference)", text)
        self.assertIn("greedy continuations", text)

    def test_what_cannot_be_compared_is_refused(self):
        self.refuses("verify", "-m", tiny_model(), "--engine", "simulated", code=1, naming="shows no logits")
        self.refuses("verify", "-m", tiny_model(), "--engine", "{embeded: {}}", code=2, naming="--engine")
        short = self.folder / "short.txt"
        short.write_text("a")
        self.refuses("verify", "-m", tiny_model(), "--text", short, code=2, naming="too short")


if __name__ == "__main__":
    main()
