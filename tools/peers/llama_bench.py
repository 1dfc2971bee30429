#!/usr/bin/env python3
"""What llama-bench measures, on the libllama that llama-cpp-python carries: for machines that have no llama-bench.

  llama_bench.py -m FILE.gguf [-p 512] [-n 128] [-t THREADS] [-r 5] [-o json]

ppP: P tokens in one go; tgN: N single-token evaluations from an empty cache, no sampling. Prints the JSON list of llama-bench
with the keys that bench/peers.sh reads.
"""
import argparse
import json
import os
import random
import statistics
import time

import peer_logits


class Bench:
    def __init__(self, path, threads, context):
        self.peer = peer_logits.LlamaCpp(path, context, exact=False, threads=threads)
        self.lib = self.peer.lib
        self.batch = self.lib.llama_batch_init(context, 0, 1)
        self.random = random.Random(1)

    def _decode(self, count, position):
        """Evaluates random ids; logits of the last only."""
        batch = self.batch
        batch.n_tokens = count
        for i in range(count):
            batch.token[i] = self.random.randrange(self.peer.vocab_size)
            batch.pos[i] = position + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i == count - 1
        if self.lib.llama_decode(self.peer.context, batch) != 0:
            raise SystemExit("llama.cpp: decode failed")
        self.lib.llama_synchronize(self.peer.context)

    def run(self, prompt, generate):
        """Nanoseconds of one repeat from an empty cache."""
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.peer.context), False)
        begin = time.perf_counter_ns()
        for at in range(0, prompt, 512):
            self._decode(min(512, prompt - at), at)
        for position in range(generate):
            self._decode(1, position)
        return time.perf_counter_ns() - begin


def row(bench, args, prompt, generate):
    bench.run(prompt, min(generate, 8))  # warm-up
    samples = [bench.run(prompt, generate) for _ in range(args.r)]
    speeds = [(prompt + generate) * 1e9 / ns for ns in samples]
    spread = statistics.stdev if len(samples) > 1 else lambda _: 0.0
    return {"model_filename": args.m, "n_threads": args.t, "n_prompt": prompt, "n_gen": generate, "n_depth": 0,
            "avg_ns": round(statistics.mean(samples)), "stddev_ns": round(spread(samples)), "avg_ts": statistics.mean(speeds),
            "stddev_ts": spread(speeds), "samples_ns": samples, "samples_ts": speeds, "engine": peer_logits.LlamaCpp.version()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", required=True)
    parser.add_argument("-p", type=int, default=512)
    parser.add_argument("-n", type=int, default=128)
    parser.add_argument("-t", type=int, default=os.cpu_count())
    parser.add_argument("-r", type=int, default=5)
    parser.add_argument("-o", choices=["json"], default="json")
    args = parser.parse_args()
    bench = Bench(args.m, args.t, max(args.p, args.n, 512))
    tests = [(args.p, 0)] * (args.p > 0) + [(0, args.n)] * (args.n > 0)
    print(json.dumps([row(bench, args, prompt, generate) for prompt, generate in tests], indent=1))


if __name__ == "__main__":
    main()
