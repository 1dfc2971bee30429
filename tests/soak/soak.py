#!/usr/bin/env python3
"""A long session on bad days: soak.py [--runs 100000] [--seed 1]. INFEROMETER: the program; IFM_SOURCE_DIR: the repository.

A plan of that many runs, half on a simulated engine, half on a server that resets connections, stalls, refuses and forgets how answers end;
meanwhile the program is stopped and continued, the wall clock jumps by days, and the disk is full now and then, after which the session is
gone on with by --resume. In the end: the session is finished, no run is lost or doubled, every failed run says why, the simulated engine's
never fail, no time is of another clock; memory grows by less than 1 MB in 10,000 runs, and open files do not grow.

Linux only (LD_PRELOAD, /proc): exit code 77 elsewhere.
"""
import argparse
import asyncio
import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cli"))
from harness import PROGRAM, stored  # noqa: E402

FAILED = 1  # the exit code
CELLS_AN_ENGINE = 20
SAMPLE_EVERY = 200  # runs
WARM_SAMPLES = 5  # of each process, before its memory has its size
MB_A_10000_RUNS = 1.0

PLAN = """version: 1
name: soak
engines:
  - {{simulated: {{ttft_ms: 0.05, gap_ms: 0.02}}}}
  - {{openai: {{url: "{url}"}}}}
models: [words]
prompts: [{{id: one, text: "hello", raw: true}}]
max_tokens: {lengths}
temperature: [0]
repeats: {repeats}
warmup: 1
ignore_eos: true
timeouts: {{connect_s: 1, first_token_s: 2, gap_s: 2}}
"""


class Server:
    """Speaks OpenAI's protocol, well or badly, as chance has it."""

    FATES = {"well": 974, "reset": 6, "stall first": 1, "stall middle": 1, "refused": 6, "error": 6, "forgets the end": 6}

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.fates = collections.Counter()
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                body = await reader.readexactly(size)
                if not await self.answer(writer, json.loads(body) if body else None):
                    break
        writer.close()

    async def answer(self, writer, asked):
        """Whether the connection can be used again."""
        if asked is None:
            return self.whole(writer, "200 OK", {"data": [{"id": "words", "object": "model"}]})
        [fate] = self.chance.choices(list(self.FATES), self.FATES.values())
        self.fates[fate] += 1
        if fate == "refused":
            return self.whole(writer, "503 Service Unavailable", {"error": {"message": "too busy"}})
        if fate == "stall first":
            await asyncio.sleep(2.5)
            return False
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        count = asked["max_tokens"]
        for i in range(count):
            if i == count // 2 and fate != "well":
                if fate == "stall middle":
                    await writer.drain()
                    await asyncio.sleep(2.5)
                elif fate == "error":
                    self.event(writer, {"error": {"message": "out of words"}})
                elif fate == "reset":
                    writer.transport.abort()
                else:
                    writer.write(b"0\r\n\r\n")
                return False
            self.event(writer, {"model": "words", "choices": [{"text": "word ", "finish_reason": None}]})
        self.event(writer, {"model": "words", "choices": [{"text": "", "finish_reason": "length"}]})
        self.event(writer, {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": count}})
        self.chunk(writer, b"data: [DONE]\n\n")
        self.chunk(writer, b"")
        await writer.drain()
        return True

    @staticmethod
    def whole(writer, status, message):
        body = json.dumps(message).encode()
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return True

    def event(self, writer, message):
        self.chunk(writer, b"data: " + json.dumps(message).encode() + b"\n\n")

    @staticmethod
    def chunk(writer, data):
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))


class Days:
    """What bad_days.c does in the program."""

    def __init__(self, folder):
        self.path = folder / "days"
        self.library = folder / "bad_days.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self.library, HERE / "bad_days.c", "-ldl"], check=True)
        self.set(False, 0)

    def set(self, full, off_ns):
        self.full, self.off_ns = full, off_ns
        with open(self.path, "r+b" if self.path.exists() else "w+b", buffering=0) as file:
            file.write(struct.pack("<qq", full, off_ns))

    def environment(self):
        return {**os.environ, "LD_PRELOAD": str(self.library), "BAD_DAYS": str(self.path)}


def stored_runs(database):
    try:
        return stored(database, "SELECT max(id) FROM run")[0][0] or 0
    except sqlite3.OperationalError:
        return 0  # not there yet


def resources(process):
    """Resident bytes and open files."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    [kib] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(kib) * 1024, len(os.listdir(f"/proc/{process.pid}/fd"))


class Soak:
    def __init__(self, folder, runs, seed):
        self.chance = random.Random(seed)
        self.server = Server(seed)
        self.days = Days(folder)
        self.out = folder / "out"
        self.database = self.out / "inferometer.db"
        self.repeats = max(1, round(runs / (2 * CELLS_AN_ENGINE)))
        self.runs = self.repeats * 2 * CELLS_AN_ENGINE
        self.plan = folder / "plan.yaml"
        self.plan.write_text(PLAN.format(url=self.server.url, repeats=self.repeats, lengths=list(range(1, CELLS_AN_ENGINE + 1))), encoding="utf-8")
        self.samples = []  # for each process: [(runs stored, bytes, files)]
        self.happened = collections.Counter()
        self.until_full = self.next_full()

    def next_full(self):
        return self.runs // 5 * self.chance.uniform(0.7, 1.3)

    def go(self):
        while True:
            resume = ["--resume"] if stored_runs(self.database) else []
            with open(self.out.parent / "errors", "w+", encoding="utf-8") as errors:
                process = subprocess.Popen([PROGRAM, "run", self.plan, "--out", self.out, *resume], env=self.days.environment(), stdout=subprocess.DEVNULL, stderr=errors)
                self.watch(process)
                code = process.wait()
                errors.seek(0)
                said = errors.read().splitlines()[-1:]
            if not self.days.full or code == 0:  # 0: the disk was full when all was written; check() counts what is there
                return code, said
            self.happened["disk full"] += 1
            if code != FAILED or "full" not in "".join(said):
                raise AssertionError(f"a full disk: exit code {code}, {said}")
            self.days.set(False, self.days.off_ns)

    def watch(self, process):
        self.samples.append([])
        begun = last = stored_runs(self.database)
        while process.poll() is None:
            time.sleep(self.chance.uniform(0.01, 0.1))
            runs = stored_runs(self.database)
            if runs - last >= SAMPLE_EVERY:
                last = runs
                with contextlib.suppress(FileNotFoundError, ValueError):  # it has just ended
                    self.samples[-1].append((runs, *resources(process)))
            if runs - begun > self.until_full:
                self.days.set(True, self.days.off_ns)
                self.until_full = self.next_full()
                begun = runs
            elif self.chance.random() < 0.02:
                self.happened["clock jumps"] += 1
                self.days.set(self.days.full, int(self.chance.uniform(-30, 30) * 86400e9))
            elif self.chance.random() < 0.02:
                self.happened["stops"] += 1
                process.send_signal(signal.SIGSTOP)
                time.sleep(self.chance.uniform(0, 0.1))
                process.send_signal(signal.SIGCONT)

    def growth(self):
        """MB in 10,000 runs, within the processes, and open files beyond what a process had when it was warm."""
        pairs, files = [], 0
        for samples in self.samples:
            warm = samples[WARM_SAMPLES:]
            if len(warm) < 3:
                continue
            runs, size = (sum(s[i] for s in warm) / len(warm) for i in (0, 1))
            pairs += [(s[0] - runs, s[1] - size) for s in warm]
            files = max(files, warm[-1][2] - warm[0][2])
        spread = sum(x * x for x, _ in pairs)
        return (sum(x * y for x, y in pairs) / spread * 10_000 / 1e6 if spread else None), files

    def check(self, code, said):
        def ask(query):
            return stored(self.database, query)

        counts = ask("SELECT count(*), count(DISTINCT engine || '/' || cell || '/' || repeat) FROM run WHERE kind = 'measured'")[0]
        failed = ask("SELECT engine, error_kind, count(*), min(error_message) FROM run WHERE status = 'failed' GROUP BY 1, 2 ORDER BY 1, 2")
        finished = ask("SELECT finished_utc FROM session")
        longest_s = ask("SELECT max(e2e_s) FROM run WHERE status = 'ok'")[0][0]
        untyped = ask("SELECT count(*) FROM run WHERE status = 'failed' AND (coalesce(error_kind, '') = '' OR coalesce(error_message, '') = '')")[0][0]
        bad = sum(count for fate, count in self.server.fates.items() if fate != "well")
        # A run that was stopped in its middle, by us or by a machine that has other things to do, has two clocks that disagree; that, too,
        # is said.
        disturbed = sum(count for _, kind, count, _ in failed if kind == "clock")
        failures = sum(count for _, _, count, _ in failed) - disturbed
        growth, files = self.growth()
        print(f"{counts[0]:,} runs in {len(self.samples)} processes; {dict(self.happened)}; the server: {dict(self.server.fates)}")
        for engine, kind, count, example in failed:
            print(f"  failed: {count:,} x {kind} ({engine}: {example[:100]})")
        print(f"memory {'unknown' if growth is None else f'{growth:+.3f} MB'} in 10,000 runs, open files {files:+d}, longest run {longest_s:.2f} s")
        mistakes = {
            f"the session ended with {code}, {said}": code != 0 and failures == 0,
            f"{counts} runs and cells, not {self.runs}": counts != (self.runs, self.runs),
            f"not finished: {finished}": len(finished) != 1 or not finished[0][0],
            f"{untyped} failed runs do not say why": untyped > 0,
            "the simulated engine failed": any(engine == "simulated" and kind != "clock" for engine, kind, *_ in failed),
            f"{disturbed} runs with two times, but {self.happened['stops']} stops": disturbed > self.happened["stops"] + self.runs / 50,
            # A run that a full disk cut off is asked again.
            f"{failures} failed runs, but the server failed {bad} times": not bad - self.happened["disk full"] <= failures <= bad,
            f"a run of {longest_s} s": longest_s > 60,
            f"memory grows: {growth} MB in 10,000 runs": growth is not None and self.runs >= 20_000 and growth > MB_A_10000_RUNS,
            f"{files} more open files": files > 2,
        }
        wrong = [what for what, is_one in mistakes.items() if is_one]
        for what in wrong:
            print(f"WRONG: {what}")
        return not wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    if sys.platform != "linux":
        print("soak: skipped (it needs Linux)")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="inferometer-soak-") as folder:
        soak = Soak(pathlib.Path(folder), given.runs, given.seed)
        began = time.monotonic()
        outcome = soak.go()
        print(f"{time.monotonic() - began:.0f} s")
        sys.exit(not soak.check(*outcome))


main()
