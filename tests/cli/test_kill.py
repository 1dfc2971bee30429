"""How a study ends before its end: by Ctrl-C, and by kill -9 at random moments, after which it is gone on with. What was seen in the file
before a kill is there after it, nothing stands there twice, and the session becomes whole. IFM_KILLS: how many kills of each engine
(default 12; before a release 1,500)."""
import os
import random
import signal
import sqlite3
import subprocess
import time

from harness import PROGRAM, CliTest, main, stored, tiny_model, wait_for_runs

KILLS = int(os.environ.get("IFM_KILLS", "12"))
RUNS = 150

PLAN = """version: 1
name: killed
engines: [{engine}]
models: [{model}]
prompts: [{{id: one, text: "hello", raw: true}}]
max_tokens: [2]
temperature: [0.5]
repeats: {repeats}
warmup: 1
ignore_eos: true
"""


class Kills(CliTest):
    def rows(self, database):
        try:
            return stored(database, "SELECT run_order, kind, cell, repeat, checksum FROM run ORDER BY id")
        except sqlite3.OperationalError:
            return []  # no file, or none of its tables, yet

    def finished(self, database):
        try:
            return stored(database, "SELECT count(*) FROM session WHERE finished_utc IS NOT NULL") == [(1,)]
        except sqlite3.OperationalError:
            return False

    def wait_for_the_moment(self, chance, program, database, stored_before):
        """Some time after the start, or, three times of four, some runs and a part of one after it; or until the program ends."""
        if chance.random() < 0.25:
            time.sleep(chance.uniform(0, 0.3))
            return
        runs = stored_before + chance.randrange(1, 16)
        while program.poll() is None and len(self.rows(database)) < runs:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.01))

    def kill_often(self, engine, model):
        chance = random.Random(1)
        plan = self.folder / "plan.yaml"
        plan.write_text(PLAN.format(engine=engine, model=model, repeats=RUNS), encoding="utf-8")
        studies = kills = midway = 0
        while kills < KILLS:
            out = self.folder / f"out{studies}"
            database = out / "inferometer.db"
            studies += 1
            seen = []
            while kills < KILLS and not self.finished(database):
                with subprocess.Popen([PROGRAM, "run", str(plan), "--out", str(out), *(["--resume"] if seen else [])],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as program:
                    self.wait_for_the_moment(chance, program, database, len(seen))
                    if program.poll() is not None:
                        self.assertEqual(program.returncode, 0, program.stderr.read())
                        break  # the study is done
                    before, seen = len(seen), self.rows(database)
                    midway += before < len(seen) < RUNS
                    program.send_signal(signal.SIGKILL)
                    program.wait()
                kills += 1
                after = self.rows(database)
                self.assertEqual(after[:len(seen)], seen, f"kill {kills}: a run that was stored is lost or another")
                seen = after
            if not self.finished(database):
                self.succeeds("run", plan, "--out", out, *(["--resume"] if seen else []))
            rows = self.rows(database)
            measured = [row[2:4] for row in rows if row[1] == "measured"]
            self.assertEqual(sorted(measured), [(0, repeat) for repeat in range(RUNS)])
            self.assertEqual(len({row[0] for row in rows}), len(rows), "a place in the order twice")
            self.succeeds("analyze", "--out", out)
        print(f"{engine}: {kills} kills in {studies} studies of {RUNS} runs, {midway} of them with some runs of that process stored and others not: "
              "none lost, none doubled, every file opened")

    def test_fault_68_kills_of_the_simulated_engine(self):
        self.kill_often("{simulated: {ttft_ms: 0.2, gap_ms: 0.2}}", "anything")

    def test_fault_68_kills_of_the_embedded_engine(self):
        self.kill_often("embedded", tiny_model())


class Interrupts(CliTest):
    def start(self, ttft_ms, repeats):
        plan = self.folder / "plan.yaml"
        plan.write_text(PLAN.format(engine=f"{{simulated: {{ttft_ms: {ttft_ms}, gap_ms: 1}}}}", model="anything", repeats=repeats), encoding="utf-8")
        out = self.folder / "out"
        return plan, out, subprocess.Popen([PROGRAM, "run", str(plan), "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_fault_90_once_keeps_every_finished_run_and_resume_does_the_rest(self):
        plan, out, program = self.start(ttft_ms=150, repeats=12)
        with program:
            wait_for_runs(out / "inferometer.db", 3)
            program.send_signal(signal.SIGINT)
            output, errors = program.communicate(timeout=60)
        self.assertEqual(program.returncode, 130, errors)
        self.assertIn("--resume", output)
        self.assertIn("interrupted after", errors)
        rows = stored(out / "inferometer.db", "SELECT kind, status FROM run")
        self.assertGreaterEqual(len(rows), 3)
        self.assertLess(len(rows), 13)
        self.assertEqual({status for _, status in rows}, {"ok"}, "a run that was cut off is no run")
        self.succeeds("run", plan, "--out", out, "--resume")
        self.assertEqual(stored(out / "inferometer.db", "SELECT count(*), count(DISTINCT repeat) FROM run WHERE kind = 'measured'"), [(12, 12)])

    def test_fault_90_twice_ends_at_once(self):
        _, out, program = self.start(ttft_ms=60000, repeats=3)
        with program:
            wait_for_runs(out / "inferometer.db", 0)
            time.sleep(0.3)
            begin = time.monotonic()
            program.send_signal(signal.SIGINT)
            time.sleep(0.05)
            program.send_signal(signal.SIGINT)
            program.communicate(timeout=60)
        self.assertEqual(program.returncode, 130)
        self.assertLess(time.monotonic() - begin, 20, "a run takes a minute")


class Resumed(CliTest):
    def start(self, plan, out, *more):
        return subprocess.Popen([PROGRAM, "run", str(plan), "--out", str(out), *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def cells(self, out):
        """What each measured run was asked for, in order. Places in the order differ: a part that is gone on with warms up anew."""
        return stored(out / "inferometer.db", "SELECT cell, repeat, seed, max_tokens, temperature FROM run WHERE kind = 'measured' ORDER BY run_order")

    def test_fault_68_and_90_a_resumed_session_has_the_runs_of_one_that_was_not_interrupted(self):
        plan = self.folder / "plan.yaml"
        text = PLAN.format(engine="{simulated: {ttft_ms: 3, gap_ms: 1}}", model="anything", repeats=8)
        plan.write_text(text.replace("[2]", "[2, 3]").replace("[0.5]", "[0.5, 0.9]") + "seed: 7\n", encoding="utf-8")
        whole = self.folder / "whole"
        self.succeeds("run", plan, "--out", whole)
        self.assertEqual(len(self.cells(whole)), 32)
        for name, signals in {"kill": [signal.SIGKILL], "once": [signal.SIGINT], "twice": [signal.SIGINT, signal.SIGINT], "end": [signal.SIGTERM]}.items():
            with self.subTest(interruption=name):
                out = self.folder / name
                for part, runs in enumerate((3, 11, 20)):
                    with self.start(plan, out, *(["--resume"] if part else [])) as program:
                        wait_for_runs(out / "inferometer.db", runs)
                        for number in signals:
                            program.send_signal(number)
                        program.wait(60)
                self.assertLess(len(self.cells(out)), 32)
                self.succeeds("run", plan, "--out", out, "--resume")
                self.assertEqual(self.cells(out), self.cells(whole))


if __name__ == "__main__":
    main()
