#!/usr/bin/env python3
"""Compares the embedded engine's exact arithmetic with the other engines of the same program on the same weights: every position of
a text, then greedy continuations, each divergence listed with the two logits' gap.

  engines_agree.py --program build/release/bin/inferometer --gguf FILE --mlx FOLDER [--json FILE] [--only llama_cpp|mlx]

llama.cpp gets a float32 copy of the weights and a float32 cache; MLX computes in float32 on a CPU. Exit code 1 when a bound of the
parity is broken or a divergence is more than rounding. The program must be built with both (./quickstart.sh --with mlx,llama.cpp).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import peer_logits

MAX_KL = 1e-3
MIN_SAME_TOP = 0.995
EXACT = "{embedded: {accuracy: exact}}"


def verify(program, model, reference, engine, positions, extra=()):
    """What `inferometer verify` says, as its JSON. positions: 0 = the whole text."""
    command = [program, "verify", "-m", model, "--engine", EXACT, "--against", reference, "--against-engine", engine,
               "--continuations", "50", "--tokens", "64", "--json", *extra]
    if positions:
        command += ["--positions", str(positions)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def broken_bounds(name, found, least):
    """The sentences that a reader needs when something is wrong."""
    rounding = [d for d in found["divergences"] if not d["rounding"]]
    checks = [(found["positions"] >= least, f"{found['positions']} positions (expected at least {least})"),
              (found["kl_mean"] <= MAX_KL, f"KL is {found['kl_mean']:.3g} (expected at most {MAX_KL})"),
              (found["same_top"] >= MIN_SAME_TOP, f"same top {found['same_top']:.4f} (expected at least {MIN_SAME_TOP})"),
              (not rounding, f"{len(rounding)} divergences are not by rounding: {rounding}")]
    return [f"{name}: {sentence}" for good, sentence in checks if not good]


def print_findings(name, found):
    print(f"\n{name} ({found['b']['engine_version']}): {found['positions']} positions, KL {found['kl_mean']:.2e}, largest "
          f"{found['kl_max']:.2e}, same top {100 * found['same_top']:.2f} %, ln PPL "
          f"{found['ppl_a']:.6g} / {found['ppl_b']:.6g}; two logits' difference off by {found['margin_error_max']:.2g} at most")
    print(f"{found['continuations']} continuations of 64 tokens: {found['continued_tokens']} tokens alike, "
          f"{len(found['divergences'])} part")
    for d in found["divergences"]:
        print(f"  prompt {d['prompt']:2} token {d['token']:2}: {d['id_a']} / {d['id_b']}, gap {d['gap_a']:.2g} / {d['gap_b']:.2g}"
              f"{'' if d['rounding'] else '  NOT rounding'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--mlx", required=True)
    parser.add_argument("--only", choices=["llama_cpp", "mlx"])
    parser.add_argument("--json", help="also write the figures here")
    args = parser.parse_args()
    findings, broken = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        f32 = os.path.join(scratch, "f32.gguf")
        peer_logits.write_f32_gguf(args.gguf, f32)
        sides = {"llama_cpp": (f32, "{llama_cpp: {cache_type: f32, flash_attention: off}}", 0, 10_000),
                 "mlx": (args.mlx, "mlx", 512, 500)}
        for name, (model, engine, positions, least) in sides.items():
            if args.only in (None, name):
                findings[name] = verify(args.program, args.mlx, model, engine, positions)
                print_findings(name, findings[name])
                broken += broken_bounds(name, findings[name], least)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(findings, file, indent=1)
    for sentence in broken:
        print(sentence)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
