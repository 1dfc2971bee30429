"""Every verb explains itself, with an example."""
import re

from harness import PARTS, VERBS, CliTest, inferometer, main


class Help(CliTest):
    def assert_explains(self, *verb):
        done = self.succeeds(*verb, "--help")
        self.assertEqual(done.stderr, "")
        self.assertIn("Example", done.stdout)
        # The example is a command that this verb would read.
        self.assertRegex(done.stdout.split("Example", 1)[1], r"inferometer " + " ".join(verb))

    def test_every_verb_has_an_example(self):
        for verb in VERBS:
            with self.subTest(verb=verb):
                self.assert_explains(verb)

    def test_every_verb_of_a_verb_has_an_example(self):
        for verb, parts in PARTS.items():
            for part in parts:
                with self.subTest(verb=verb, part=part):
                    self.assert_explains(verb, part)

    def test_the_program_lists_its_verbs_and_no_hidden_one(self):
        listed = re.findall(r"^  ([a-z]+)  ", self.succeeds("--help").stdout, re.MULTILINE)
        self.assertEqual([word for word in listed if word in VERBS], VERBS)
        self.assertNotIn("worker", listed)

    def test_version_names_version_commit_compiler_and_instruction_set(self):
        lines = self.succeeds("--version").stdout.splitlines()
        self.assertRegex(lines[0], r"^inferometer \d+\.\d+\.\d+$")
        self.assertRegex(lines[1], r"^commit +(unknown|[0-9a-f]{7,40}(-dirty)?)$")
        self.assertRegex(lines[2], r"^compiler +(GNU|Clang|AppleClang) \d+")
        self.assertRegex(lines[3], r"^ISA +[a-z0-9]+ ")

    def test_without_a_verb_it_names_models_and_one_command_to_try(self):
        empty = self.succeeds(environment={"INFEROMETER_HOME": str(self.folder)}).stdout
        self.assertIn("inferometer models pull smollm2-135m", empty)
        self.assertEqual(empty.count("Try next"), 1)

    def test_bench_says_that_tg_is_not_what_a_reader_sees(self):
        self.assertIn("tg is not 1/TPOT", self.succeeds("bench", "--help").stdout)

    def test_help_is_not_an_error_even_without_what_a_verb_requires(self):
        self.assertEqual(inferometer("generate", "--help").returncode, 0)


if __name__ == "__main__":
    main()
