#!/usr/bin/env python3
"""Compares our logits with llama.cpp's on mixtures of K-quants that its own quantizer makes of a GGUF, and prints a table.

  live_mixtures.py --dump-logits build/release/tests/dump_logits --gguf FILE [--mixtures Q4_K_M,Q5_K_M] [--json FILE]

The reference is llama.cpp on a float32 copy of each mixture's weights. Rows that are no whole super-blocks get Q5_0, Q5_1 or Q8_0, so
that SmolLM2's mixtures hold those types too. Exit code 1 when a bound of the parity is broken.
"""
import argparse
import json
import os
import sys
import tempfile

import live_parity
import make_parity_goldens
import parity_run
import peer_logits

WINDOWS = [512] * 8


def types_of(path):
    """Tensors of each type, most first."""
    import gguf

    count = {}
    for tensor in gguf.GGUFReader(path).tensors:
        count[tensor.tensor_type.name] = count.get(tensor.tensor_type.name, 0) + 1
    return ", ".join(f"{n} {name}" for name, n in sorted(count.items(), key=lambda pair: -pair[1]))


def figures_of(mixture, path, dump_logits):
    reference = make_parity_goldens.open_reference(path, 0)
    quantized = peer_logits.LlamaCpp(path, max(WINDOWS), exact=False)
    ours = {accuracy: live_parity.Ours(dump_logits, path, accuracy, quantized.vocab_size) for accuracy in ("exact", "fast")}
    candidates = {f"{mixture}_llama_cpp": (quantized, len(WINDOWS))}
    candidates.update({f"{mixture}_inferometer_{name}": (engine, len(WINDOWS)) for name, engine in ours.items()})
    run = parity_run.Run(quantized.encode(parity_run.read_text()), reference, candidates, lengths=WINDOWS)
    for engine in ours.values():
        engine.close()
    return {name: distance.figures() for name, distance in run.distances.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump-logits", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--mixtures", default="Q4_K_M,Q5_K_M")
    parser.add_argument("--json", help="also write the figures here")
    args = parser.parse_args()
    figures, broken = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        whole = os.path.join(scratch, "f32.gguf")
        peer_logits.write_f32_gguf(args.gguf, whole)
        for mixture in args.mixtures.split(","):
            path = os.path.join(scratch, f"{mixture}.gguf")
            peer_logits.quantize_gguf(whole, path, mixture)
            print(f"{mixture}: {types_of(path)}", flush=True)
            found = figures_of(mixture, path, args.dump_logits)
            broken += live_parity.broken_distances(found, found[f"{mixture}_llama_cpp"]["kl_mean"])
            figures.update(found)
    live_parity.print_table(figures)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    for sentence in broken:
        print(sentence)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
