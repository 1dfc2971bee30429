#!/usr/bin/env python3
"""Makes tests/golden/parity/smollm2*: what llama.cpp and mlx-lm say about verify_text.txt on SmolLM2's weights.

The reference is llama.cpp on a float32 copy of the weights, float32 cache, no flash attention. Beside it: llama.cpp on
the quantized file as its users run it, whose distance to the reference is the bound of our fast path; and mlx-lm with
float32 activations on the MLX folder that `inferometer models convert` wrote. Needs requirements.txt.

  make_parity_goldens.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --mlx FOLDER [--out tests/golden/parity]
"""
import argparse
import datetime
import json
import os
import tempfile

import parity_run
import peer_logits

MLX_WINDOWS = 1


def open_reference(gguf, threads):
    """llama.cpp on a float32 copy of the file, which is gone again when this returns (it stays mapped)."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "f32.gguf")
        peer_logits.write_f32_gguf(gguf, path)
        return peer_logits.LlamaCpp(path, max(parity_run.WINDOWS), exact=True, threads=threads)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--mlx", required=True)
    parser.add_argument("--out", default=parity_run.GOLDEN)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    reference = open_reference(args.gguf, args.threads)
    quantized = peer_logits.LlamaCpp(args.gguf, max(parity_run.WINDOWS), exact=False, threads=args.threads)
    candidates = {"llama_cpp_quantized": (quantized, len(parity_run.WINDOWS)),
                  "mlx_f32_activations": (peer_logits.Mlx(args.mlx), MLX_WINDOWS)}
    run = parity_run.Run(quantized.encode(parity_run.read_text()), reference, candidates, ("reference", "mlx_f32_activations"))
    run.goldens["reference"].write(os.path.join(args.out, "smollm2_llama_cpp.bin"), quantized.vocab_size)
    run.goldens["mlx_f32_activations"].write(os.path.join(args.out, "smollm2_mlx.bin"), quantized.vocab_size)
    note = {
        "made_by": "tools/peers/make_parity_goldens.py",
        "date": datetime.date.today().isoformat(),
        "text": peer_logits.sha256_of(parity_run.TEXT),
        "gguf": peer_logits.sha256_of(args.gguf),
        "mlx_weights": peer_logits.sha256_of(os.path.join(args.mlx, "model.safetensors")),
        "llama_cpp": peer_logits.LlamaCpp.version(),
        "mlx": peer_logits.Mlx.version(),
        "reference": "llama.cpp, float32 copy of the weights, float32 KV cache, flash attention off",
        "kl": "KL(reference || candidate), nats, mean over positions; coarse: over the top-k tokens and one bucket for the rest,"
              " a lower bound of the full KL by the data-processing inequality",
        **{name: distance.figures() for name, distance in run.distances.items()},
    }
    with open(os.path.join(args.out, "smollm2.json"), "w", encoding="utf-8") as file:
        json.dump(note, file, indent=1)
        file.write("\n")
    print(json.dumps(note, indent=1))


if __name__ == "__main__":
    main()
