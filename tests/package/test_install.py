"""`cmake --install` gives a tree that works by itself."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

BINARY = pathlib.Path(os.environ["IFM_BINARY_DIR"])
SOURCE = pathlib.Path(os.environ["IFM_SOURCE_DIR"])


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="inferometer-install-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.prefix = pathlib.Path(cls.folder.name) / "prefix"
        subprocess.run(["cmake", "--install", BINARY, "--prefix", cls.prefix], check=True, capture_output=True)
        cls.program = cls.prefix / "bin" / "inferometer"

    def run_installed(self, *arguments):
        done = subprocess.run([self.program, *arguments], cwd=self.folder.name, capture_output=True, encoding="utf-8", check=False, timeout=300,
                              env={**os.environ, "INFEROMETER_HOME": str(pathlib.Path(self.folder.name) / "home")})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_program_says_its_version(self):
        version = re.search(r"project\(inferometer VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text(encoding="utf-8")).group(1)
        self.assertTrue(self.run_installed("--version").startswith(f"inferometer {version}\n"))

    def test_plans_and_schemas_are_there(self):
        share = self.prefix / "share" / "inferometer"
        for folder in ("plans", "schemas"):
            installed = sorted(path.name for path in (share / folder).iterdir())
            self.assertEqual(installed, sorted(path.name for path in (SOURCE / folder).iterdir()))

    def test_the_manual_page_and_the_completions_lie_where_they_are_looked_for(self):
        for file, words in (("man/man1/inferometer.1", ["man"]), ("bash-completion/completions/inferometer", ["completions", "bash"]),
                            ("zsh/site-functions/_inferometer", ["completions", "zsh"]),
                            ("fish/vendor_completions.d/inferometer.fish", ["completions", "fish"])):
            with self.subTest(file=file):
                self.assertEqual((self.prefix / "share" / file).read_text(encoding="utf-8"), self.run_installed(*words))

    def test_it_makes_a_model_and_answers_without_the_build_folder(self):
        model = pathlib.Path(self.folder.name) / "tiny"
        self.run_installed("models", "synth", "tiny-llama", "-o", model)
        self.assertTrue(self.run_installed("generate", "-m", model, "-p", "hi", "-n", "4"))

    def test_the_program_does_not_name_the_build_folder(self):
        # A run path or a compiled-in path would break on the machine that the tree is copied to.
        self.assertNotIn(os.fsencode(BINARY), self.program.read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)
