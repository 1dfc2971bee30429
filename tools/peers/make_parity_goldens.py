#!/usr/bin/env python3
"""Makes tests/golden/parity/smollm2_*.{bin,json}: what llama.cpp and mlx-lm say about text.txt on SmolLM2's weights.

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

import numpy as np

import peer_logits
import topk_golden

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "..", "tests", "golden", "parity")
WINDOWS = [512] * 18 + [2048]
MLX_WINDOWS = [512]
TOP = 20


class Distance:
    """Sums the distances of one candidate to the reference, window by window."""

    def __init__(self):
        self.full, self.coarse, self.same, self.lp, self.reference_lp = [], [], [], [], []

    def add(self, reference, candidate, targets, top_ids, top_steps):
        self.full.append(topk_golden.full_kl(reference, candidate))
        self.coarse.append(topk_golden.coarse_kl(top_ids, top_steps, candidate))
        self.same.append(reference.argmax(-1) == candidate.argmax(-1))
        rows = np.arange(len(targets))
        self.lp.append(candidate[rows, targets])
        self.reference_lp.append(reference[rows, targets])

    def figures(self):
        full, coarse = np.concatenate(self.full), np.concatenate(self.coarse)
        ln_ppl = -np.concatenate(self.lp).mean()
        return {"positions": len(full), "kl_mean": full.mean(), "kl_p999": np.quantile(full, 0.999), "kl_max": full.max(),
                "coarse_kl_mean": coarse.mean(),
                "coarse_kl_by_window": [float(window.mean()) for window in self.coarse], "same_top": np.concatenate(self.same).mean(), "ln_ppl": ln_ppl,
                "ln_ppl_minus_reference": ln_ppl + np.concatenate(self.reference_lp).mean()}


class Columns:
    """Collects the columns of a top-k golden."""

    def __init__(self):
        self.parts = []

    def add(self, ids, targets, reference):
        top_ids, top_lp = topk_golden.top(reference, TOP)
        steps = topk_golden.quantized(top_lp)
        self.parts.append((ids, targets, reference[np.arange(len(targets)), targets], top_ids, steps))
        return top_ids, steps

    def write(self, path, vocab, windows):
        topk_golden.write(path, vocab, windows, *(np.concatenate(column) for column in zip(*self.parts)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--mlx", required=True)
    parser.add_argument("--out", default=GOLDEN)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    text_path = os.path.join(GOLDEN, "text.txt")
    with open(text_path, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as scratch:
        f32_path = os.path.join(scratch, "f32.gguf")
        peer_logits.write_f32_gguf(args.gguf, f32_path)
        reference = peer_logits.LlamaCpp(f32_path, max(WINDOWS), exact=True, threads=args.threads)
    quantized = peer_logits.LlamaCpp(args.gguf, max(WINDOWS), exact=False, threads=args.threads)
    mlx = peer_logits.Mlx(args.mlx)
    ids = quantized.encode(text)

    llama_distance, mlx_distance, columns, mlx_columns = Distance(), Distance(), Columns(), Columns()
    for number, (inputs, targets) in enumerate(peer_logits.split_windows(ids, WINDOWS)):
        p = topk_golden.log_softmax(reference.score(inputs))
        top_ids, steps = columns.add(inputs, targets, p)
        llama_distance.add(p, topk_golden.log_softmax(quantized.score(inputs)), targets, top_ids, steps)
        if number < len(MLX_WINDOWS):
            m = topk_golden.log_softmax(mlx.score(inputs))
            mlx_columns.add(inputs, targets, m)
            mlx_distance.add(p, m, targets, top_ids, steps)
        print(f"window {number + 1} of {len(WINDOWS)}", flush=True)

    columns.write(os.path.join(args.out, "smollm2_llama_cpp.bin"), quantized.vocab_size, WINDOWS)
    mlx_columns.write(os.path.join(args.out, "smollm2_mlx.bin"), mlx.vocab_size, MLX_WINDOWS)
    note = {
        "made_by": "tools/peers/make_parity_goldens.py",
        "date": datetime.date.today().isoformat(),
        "text": peer_logits.sha256_of(text_path),
        "gguf": peer_logits.sha256_of(args.gguf),
        "mlx_weights": peer_logits.sha256_of(os.path.join(args.mlx, "model.safetensors")),
        "llama_cpp": peer_logits.LlamaCpp.version(),
        "mlx": peer_logits.Mlx.version(),
        "reference": "llama.cpp, float32 copy of the weights, float32 KV cache, flash attention off",
        "kl": "KL(reference || candidate), nats, mean over positions; coarse: over the top-k tokens and one bucket for the rest,"
              " a lower bound of the full KL by the data-processing inequality",
        "llama_cpp_quantized": llama_distance.figures(),
        "mlx_f32_activations": mlx_distance.figures(),
    }
    with open(os.path.join(args.out, "smollm2.json"), "w", encoding="utf-8") as file:
        json.dump(note, file, indent=1)
        file.write("\n")
    print(json.dumps(note, indent=1))


if __name__ == "__main__":
    main()
