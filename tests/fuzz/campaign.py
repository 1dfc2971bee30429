"""Runs libFuzzer targets and keeps the books: see run.sh. A finding is a crash, a leak, an undefined operation, more than a second or 512 MB;
when a target is done, tests/faults/faults.py says. Times in the record are of the processor, so that a campaign may run beside other work."""
import argparse
import datetime
import fcntl
import json
import os
import pathlib
import re
import subprocess
import sys
import time

MB = 512
LONGEST_INPUT = 8192  # or the longest seed
# What AddressSanitizer holds back after it was freed is not the parser's memory.
SETTINGS = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=32"}
STATUS = re.compile(r"^#(\d+)\s+\w+\s+cov: (\d+)")


def command(build, target, *more):
    return [build / "fuzz" / f"fuzz_{target}", "-timeout=1", f"-rss_limit_mb={MB}", f"-malloc_limit_mb={MB}", *more]


def repeats(build, target, artifact):
    """Whether a slow or large input is one when nothing else is going on: a machine that stalls makes any input slow."""
    return all(subprocess.run(command(build, target, artifact), env=SETTINGS, capture_output=True).returncode for _ in range(3))


def cpu_seconds(process):
    """What a process that may have ended, but was not waited for, has used."""
    with open(f"/proc/{process.pid}/stat", encoding="utf-8", errors="replace") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Part:
    """One run of a target until `seconds` are over or it found something."""

    def __init__(self, build, target, seconds):
        self.executions = self.edges = self.peak_mb = 0
        self.slowest_s = 0
        corpus, grown, findings = build / "corpus" / target, build / "grown" / target, build / "findings"
        for folder in (grown, findings):
            folder.mkdir(parents=True, exist_ok=True)
        folders = [folder for folder in (corpus, build / "corpus" / "grown" / target) if folder.exists()]
        words = build / "corpus" / f"{target}.dict"
        longest = max([LONGEST_INPUT, *(seed.stat().st_size for folder in folders for seed in folder.iterdir())])
        began = last_edge = 0
        before = set(findings.glob(f"{target}-*"))  # others may write there, too
        self.log = []
        with subprocess.Popen(
            command(build, target, f"-max_total_time={seconds}", f"-max_len={longest}", "-print_final_stats=1",
                    f"-artifact_prefix={findings}/{target}-", *([f"-dict={words}"] if words.exists() else []), grown, *folders),
            env=SETTINGS, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace") as fuzzer:
            for line in fuzzer.stderr:
                self.log.append(line.rstrip())
                if status := STATUS.match(line):
                    if int(status[2]) > self.edges:
                        last_edge = cpu_seconds(fuzzer)
                        self.edges = int(status[2])
                    self.executions = int(status[1])
                if "INITED" in line:
                    began = last_edge = cpu_seconds(fuzzer)  # what the inputs of earlier parts reach is not new
                if stat := re.match(r"stat::(\w+):\s+(\d+)", line):
                    self.take(stat[1], int(stat[2]))
            ended = cpu_seconds(fuzzer)
        self.seconds = ended - began
        self.new_edge = last_edge > began
        self.quiet_s = ended - last_edge
        written = set(findings.glob(f"{target}-*")) - before
        self.broken = fuzzer.returncode != 0 and not written
        self.findings = [artifact for artifact in written if not self.by_chance(build, target, artifact)]

    def take(self, name, value):
        if name == "number_of_executed_units":
            self.executions = value
        elif name == "slowest_unit_time_sec":
            self.slowest_s = value
        elif name == "peak_rss_mb":
            self.peak_mb = value

    @staticmethod
    def by_chance(build, target, artifact):
        if not artifact.name.startswith((f"{target}-timeout", f"{target}-slow", f"{target}-oom")) or repeats(build, target, artifact):
            return False
        artifact.unlink()
        return True


def added(total, part, commit):
    total = total or {"executions": 0, "seconds": 0, "quiet_s": 0, "edges": 0, "slowest_s": 0, "peak_mb": 0, "findings": 0}
    return {"executions": total["executions"] + part.executions, "seconds": round(total["seconds"] + part.seconds),
            "quiet_s": round(part.quiet_s + (0 if part.new_edge else total["quiet_s"])), "edges": max(part.edges, total["edges"]),
            "slowest_s": max(part.slowest_s, total["slowest_s"]), "peak_mb": max(part.peak_mb, total["peak_mb"]),
            "findings": total["findings"] + len(part.findings), "until": f"{datetime.date.today()}, {commit}"}


def record_part(path, target, part, commit):
    """Adds a part to the record, which other targets' campaigns may be writing to; gives the target's total."""
    with open(path, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        record = json.loads(file.read() or "{}")
        record[target] = added(record.get(target), part, commit)
        file.truncate(0)
        file.write(json.dumps(record, indent=1, sort_keys=True) + "\n")
    return record[target]


def main():
    arguments = argparse.ArgumentParser(usage="tests/fuzz/run.sh TARGET SECONDS [--record FILE]")
    arguments.add_argument("target")
    arguments.add_argument("seconds", type=int)
    arguments.add_argument("--build", type=pathlib.Path, required=True)
    arguments.add_argument("--record", type=pathlib.Path)
    given = arguments.parse_args()
    targets = sorted(f.name.removeprefix("fuzz_") for f in (given.build / "fuzz").glob("fuzz_*"))
    chosen = targets if given.target == "all" else [given.target]
    if not set(chosen) <= set(targets):
        sys.exit(f"fuzz: no target {given.target} (expected one of {', '.join(targets)}, or all)")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    bad = False
    for target in chosen:
        began = time.monotonic()
        while (left := round(given.seconds - (time.monotonic() - began))) > 0:
            part = Part(given.build, target, left)
            if part.broken:
                sys.exit("\n".join([*part.log[-20:], f"fuzz: {target} ended without an input to blame"]))
            total = record_part(given.record, target, part, commit) if given.record else added(None, part, commit)
            print(f"{target}: {total['executions']:,} executions in {total['seconds'] / 60:.1f} min, {total['edges']} edges, none new for "
                  f"{total['quiet_s'] / 60:.1f} min, slowest {total['slowest_s']} s, peak {total['peak_mb']} MB, {total['findings']} findings", flush=True)
            if part.findings:
                print("\n".join([*part.log[-40:], *map(str, part.findings)]), flush=True)
                bad = True
                break
    sys.exit(bad)


main()
