#!/usr/bin/env python3
"""Compares our logits with llama.cpp's and mlx-lm's, live, over the whole vocabulary (full KL), and prints a table.

  live_parity.py --dump-logits build/release/tests/dump_logits --gguf FILE --mlx FOLDER [--json FILE]

Exit code 1 when a bound of the parity is broken, or when the committed goldens are not what the peers say today.
"""
import argparse
import json
import os
import subprocess
import sys

import numpy as np

import make_parity_goldens
import parity_run
import peer_logits
import topk_golden

# mlx-lm is slow on an x86 CPU: one window of 512 positions.
MLX_WINDOWS = 1
GOLDEN_DRIFT = 2e-3  # of one ln p: other kernels of the same program on another CPU


class Ours:
    """The embedded engine, by way of tests/model/dump_logits.cpp."""

    def __init__(self, program, model, accuracy, vocab_size):
        self.vocab_size = vocab_size
        self.process = subprocess.Popen([program, model, accuracy], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def score(self, ids):
        self.process.stdin.write((" ".join(map(str, ids)) + "\n").encode())
        self.process.stdin.flush()
        size = len(ids) * self.vocab_size * 4
        data = self.process.stdout.read(size)
        if len(data) != size:
            raise SystemExit(f"dump_logits: ended early (expected {size} bytes, got {len(data)})")
        return np.frombuffer(data, np.float32).reshape(len(ids), self.vocab_size)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def golden_drift(run):
    """Largest difference of the committed golden's target ln p to the reference's of now; None when the ids differ."""
    golden = topk_golden.read(os.path.join(parity_run.GOLDEN, "smollm2_llama_cpp.bin"))
    columns = [np.concatenate(column) for column in zip(*run.goldens["reference"].parts)]
    if not np.array_equal(golden["ids"], columns[0]):
        return None
    return float(np.abs(golden["target_lp"] - columns[2]).max())


def broken_distances(figures, bound):
    """The sentences that a reader needs when something is wrong. bound: the KL of llama.cpp on the quantized file."""
    out = []
    for name, f in figures.items():
        if name.endswith("exact") or name == "mlx_f32_activations":
            for key, good, expected in (("kl_mean", f["kl_mean"] <= 1e-3, "at most 1e-3"),
                                        ("same_top", f["same_top"] >= 0.995, "at least 0.995"),
                                        ("ln_ppl_minus_reference", abs(f["ln_ppl_minus_reference"]) <= 0.002, "within 0.002")):
                if not good:
                    out.append(f"{name}: {key} is {f[key]:.3g} (expected {expected})")
        elif name.endswith("fast") and f["kl_mean"] > bound:
            out.append(f"{name}: kl_mean is {f['kl_mean']:.3g} (expected at most llama.cpp's {bound:.3g})")
    return out


def broken_bounds(figures, drift):
    """As broken_distances, and of the committed goldens."""
    out = broken_distances(figures, figures["llama_cpp_quantized"]["kl_mean"])
    if drift is None:
        out.append("goldens: llama.cpp's token ids of the text have changed")
    elif drift > GOLDEN_DRIFT:
        out.append(f"goldens: a ln p has moved by {drift:.3g} (expected at most {GOLDEN_DRIFT})")
    return out


def print_table(figures):
    print(f"\n{'against llama.cpp on float32 weights':38} {'positions':>9} {'KL mean':>9} {'KL p99.9':>9} {'KL max':>9} "
          f"{'same top':>9} {'ln PPL':>10}")
    for name, f in figures.items():
        print(f"{name:38} {f['positions']:9} {f['kl_mean']:9.2e} {f['kl_p999']:9.2e} {f['kl_max']:9.2e} {f['same_top']:9.4f} "
              f"{f['ln_ppl_minus_reference']:+10.2e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump-logits", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--mlx", required=True)
    parser.add_argument("--json", help="also write the figures here")
    args = parser.parse_args()
    reference = make_parity_goldens.open_reference(args.gguf, 0)
    quantized = peer_logits.LlamaCpp(args.gguf, max(parity_run.WINDOWS), exact=False)
    every = len(parity_run.WINDOWS)
    candidates = {"llama_cpp_quantized": (quantized, every), "mlx_f32_activations": (peer_logits.Mlx(args.mlx), MLX_WINDOWS)}
    ours = {f"inferometer_{form}_{accuracy}": Ours(args.dump_logits, model, accuracy, quantized.vocab_size)
            for form, model in (("mlx", args.mlx), ("gguf", args.gguf)) for accuracy in ("exact", "fast")}
    candidates.update({name: (engine, every) for name, engine in ours.items()})
    run = parity_run.Run(quantized.encode(parity_run.read_text()), reference, candidates, ("reference",))
    for engine in ours.values():
        engine.close()
    figures = {name: distance.figures() for name, distance in run.distances.items()}
    drift = golden_drift(run)
    print_table(figures)
    print(f"largest difference of a committed ln p to llama.cpp's of now: {'other ids' if drift is None else f'{drift:.2e}'}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"figures": figures, "golden_drift": drift}, file, indent=1)
    broken = broken_bounds(figures, drift)
    for sentence in broken:
        print(sentence)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
