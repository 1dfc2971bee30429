"""Completions and the manual page, which are made from the help: by the shells and by groff, where they are here."""
import re
import shutil
import subprocess

from harness import PARTS, VERBS, CliTest, inferometer, main


def long_options(*verb):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", inferometer(*verb, "--help").stdout.partition("Options:")[2].split("Example", 1)[0].split("Subcommands:", 1)[0]))


class Completions(CliTest):
    def script(self, shell):
        file = self.folder / shell
        file.write_text(self.succeeds("completions", shell).stdout, encoding="utf-8")
        return file

    def bash(self, *words):
        """What bash offers for the last of these words."""
        done = subprocess.run(["bash", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _inferometer; '
                               'printf "%s\\n" "${COMPREPLY[@]}"', "bash", self.script("bash"), *words],
                              capture_output=True, encoding="utf-8", check=True, cwd=self.folder)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_bash_offers_verbs_their_verbs_options_and_choices(self):
        self.assertEqual(self.bash("inferometer", ""), set(VERBS))
        self.assertEqual(self.bash("inferometer", "mo"), {"models"})
        for verb, parts in PARTS.items():
            self.assertEqual(self.bash("inferometer", verb, ""), set(parts))
        self.assertEqual(self.bash("inferometer", "compare", "-o", ""), {"text", "json", "md", "junit"})
        self.assertEqual(self.bash("inferometer", "compare", "a", "b", "plan.yaml", "--format", "j"), {"json", "junit"})
        self.assertEqual(self.bash("inferometer", "completions", ""), {"bash", "zsh", "fish"})

    def test_bash_offers_every_option_of_every_verb(self):
        for words in [[verb] for verb in VERBS] + [[verb, part] for verb, parts in PARTS.items() for part in parts]:
            with self.subTest(verb=words):
                offered = {word for word in self.bash("inferometer", *words, "--") if word.startswith("--")}
                self.assertEqual(offered, long_options(*words))

    def test_bash_offers_files_elsewhere(self):
        (self.folder / "my plan.yaml").write_text("", encoding="utf-8")
        self.assertIn("plan.yaml", self.bash("inferometer", "run", "my"))

    def test_zsh_and_fish_read_their_scripts(self):
        for shell in ("zsh", "fish"):
            with self.subTest(shell=shell):
                if not shutil.which(shell):
                    self.skipTest(f"no {shell} here")
                done = subprocess.run([shell, "-n", self.script(shell)], capture_output=True, encoding="utf-8", check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_fish_offers_verbs_options_and_choices(self):
        if not shutil.which("fish"):
            self.skipTest("no fish here")
        script = self.script("fish")

        def offered(line):
            done = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]', script, line],
                                  capture_output=True, encoding="utf-8", check=True)
            return {entry.split("\t")[0] for entry in done.stdout.splitlines()}

        self.assertTrue(set(VERBS) <= offered("inferometer "))
        self.assertEqual(offered("inferometer models "), set(PARTS["models"]))
        self.assertTrue(long_options("compare") <= offered("inferometer compare --"))
        self.assertEqual(offered("inferometer compare -o j"), {"json", "junit"})


class ManualPage(CliTest):
    def test_it_has_every_verb_and_every_option(self):
        page = self.succeeds("man").stdout.replace("\\-", "-")
        sections = dict(re.findall(r"^\.SS inferometer (.+)\n((?:(?!^\.S[SH]).*\n)*)", page, re.MULTILINE))
        wanted = VERBS + [f"{verb} {part}" for verb, parts in PARTS.items() for part in parts]
        self.assertEqual(set(sections), set(wanted))
        for verb in wanted:
            with self.subTest(verb=verb):
                self.assertEqual(long_options(*verb.split()) - {"--help"}, set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", " ".join(
                    re.findall(r"^\\fB(.*)\\fR", sections[verb], re.MULTILINE)))))

    def test_groff_has_nothing_to_complain_of(self):
        if not shutil.which("groff"):
            self.skipTest("no groff here")
        done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8"], input=self.succeeds("man").stdout, capture_output=True, encoding="utf-8",
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    main()
