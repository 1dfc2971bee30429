"""What the tests of the command line share: the program, a tiny model, schemas."""
import contextlib
import functools
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import jsonschema

PROGRAM = os.environ["INFEROMETER"]
SOURCE = pathlib.Path(os.environ["IFM_SOURCE_DIR"])
VERBS = ["generate", "chat", "tokenize", "bench", "run", "analyze", "summary", "report", "sessions", "import", "compare", "reproduce", "verify", "models", "engines", "doctor",
         "calibrate", "completions", "man"]
# Verbs that have verbs of their own.
PARTS = {"models": ["list", "pull", "inspect", "convert", "synth"], "sessions": ["list", "show", "export", "delete", "merge"],
         "import": ["llama-bench", "study"]}


def inferometer(*arguments, stdin="", timeout=120, environment=None):
    """Runs the program and returns its CompletedProcess, text decoded."""
    return subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, encoding="utf-8", timeout=timeout,
                          env={**os.environ, **(environment or {})}, check=False)


@functools.cache
def _folder():
    return tempfile.TemporaryDirectory(prefix="inferometer-cli-")


def tiny_model(form="mlx"):
    """A synthetic model of some hundred kilobytes, as MLX folder or as GGUF."""
    return _tiny_model(form)


@functools.cache
def _tiny_model(form):
    path = pathlib.Path(_folder().name) / ("tiny.gguf" if form == "gguf" else "tiny")
    made = inferometer("models", "synth", "tiny-llama", "--format", form, "-o", path)
    assert made.returncode == 0, made.stderr
    return path


@functools.cache
def schema(name):
    return json.loads((SOURCE / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


def stored(database, query):
    """Rows of a results file that may be written to meanwhile."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(query).fetchall()


def wait_for_runs(database, count, timeout=60, where="1"):
    """Until a results file holds that many runs (of the kind that SQL says)."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            if stored(database, f"SELECT count(*) FROM run WHERE {where}")[0][0] >= count:
                return
        except sqlite3.OperationalError:
            pass  # not there yet
        time.sleep(0.01)
    raise TimeoutError(f"{database}: fewer than {count} runs after {timeout} s")


def reject_constant(word):
    raise ValueError(f"{word} is not JSON")


# Where the program puts temporary files while tests run, and how its processes are known among others'. A server that a test starts is such
# a process, and may be a script that has this module, too.
if "IFM_TEST_MARK" not in os.environ:
    _scratch = tempfile.TemporaryDirectory(prefix="inferometer-scratch-")
    os.environ["TMPDIR"] = _scratch.name
    os.environ["IFM_TEST_MARK"] = f"{os.getpid()}"


def left_processes():
    """Command lines of processes that tests of this script have left behind (Linux; elsewhere none are seen)."""
    mark = f"IFM_TEST_MARK={os.getpid()}".encode()
    left = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes().split(b"\0"):
                left.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            pass  # it has ended, or is another user's
    return [command for command in left if command]  # a zombie has none


class CliTest(unittest.TestCase):
    """Assertions about a run of the program. Each test fails that leaves a process or a temporary file behind."""

    maxDiff = None

    def assert_nothing_left(self):
        end = time.monotonic() + 10
        while left_processes() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(left_processes(), [])
        self.assertEqual(os.listdir(_scratch.name), [])

    def setUp(self):
        self.addCleanup(self.assert_nothing_left)
        folder = tempfile.TemporaryDirectory(prefix="inferometer-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def succeeds(self, *arguments, **keywords):
        done = inferometer(*arguments, **keywords)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done

    def json_of(self, *arguments, schema_name, **keywords):
        """Standard output as JSON that fits its schema and holds no NaN."""
        document = json.loads(self.succeeds(*arguments, **keywords).stdout, parse_constant=reject_constant)
        self.assert_fits(document, schema(schema_name))
        return document

    def assert_fits(self, document, document_schema):
        jsonschema.Draft7Validator.check_schema(document_schema)
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in jsonschema.Draft7Validator(document_schema).iter_errors(document)]
        self.assertEqual(errors, [])

    def refuses(self, *arguments, code, naming=(), **keywords):
        """One line on standard error that names each of `naming`, nothing on standard output, the exit code."""
        done = inferometer(*arguments, **keywords)
        what = f"inferometer {' '.join(map(str, arguments))}\nexit {done.returncode}, stderr: {done.stderr!r}, stdout: {done.stdout[:300]!r}"
        self.assertEqual(done.returncode, code, what)
        self.assertEqual(done.stdout, "", what)
        self.assertEqual(done.stderr.count("\n"), 1, what)
        self.assertTrue(done.stderr.startswith("inferometer: "), what)
        for word in [naming] if isinstance(naming, str) else naming:
            self.assertIn(str(word), done.stderr, what)
        return done


def without_gnuplot(folder):
    """An environment whose PATH has everything but gnuplot."""
    tools = folder / "tools"
    tools.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for tool in (pathlib.Path(place).iterdir() if pathlib.Path(place).is_dir() else []):
            if not tool.name.startswith("gnuplot") and not (tools / tool.name).is_symlink():
                (tools / tool.name).symlink_to(tool)
    return {"PATH": str(tools)}


def main():
    # A script test: every failure in full, and the exit code for ctest.
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
