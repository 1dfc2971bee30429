#!/usr/bin/env python3
"""Checks `inferometer models convert --to mlx` against software that we did not write.

Every tensor of the MLX folder is dequantized by MLX in f32 and compared, number by number, with what the `gguf` package's
dequantize() makes of the GGUF, q and k rows un-permuted. With --generate, mlx-lm also answers a question greedily.

    python3 tools/check_conversion.py MODEL.gguf MLX_FOLDER [--generate]

Needs: gguf, mlx, numpy; for --generate also mlx-lm. Exit code 0 = every number is the same.
"""
import argparse
import json
import pathlib
import re
import sys

import mlx.core as mx
import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

LAYER = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
QUESTION, ANSWER = "What is the capital of France?", "The capital of France is Paris."


def hugging_face_name(name):
    base = name.removesuffix(".weight")
    match = re.fullmatch(r"blk\.(\d+)\.(.+)", base)
    return f"model.layers.{match[1]}.{LAYER[match[2]]}" if match else WHOLE[base]


def unpermuted(rows, head_dim):
    """(heads, d/2, 2) rows of GGUF become (heads, 2, d/2)."""
    count, cols = rows.shape
    return rows.reshape(count // head_dim, head_dim // 2, 2, cols).swapaxes(1, 2).reshape(count, cols)


def quantization_of(config, name):
    settings = config.get("quantization", {})
    override = settings.get(name, settings)
    return override["group_size"], override["bits"]


def mlx_values(weights, config, name):
    weight = weights.pop(name + ".weight")
    if name + ".scales" not in weights:
        return np.array(weight.astype(mx.float32))
    group, bits = quantization_of(config, name)
    scales, biases = weights.pop(name + ".scales"), weights.pop(name + ".biases")
    # In f32: scale * q + bias is then exact, as it is in GGML's own dequantization.
    return np.array(mx.dequantize(weight, scales.astype(mx.float32), biases.astype(mx.float32), group, bits))


def compare(gguf_file, folder):
    config = json.loads((folder / "config.json").read_text())
    weights = mx.load(str(folder / "model.safetensors"))
    same, different = 0, 0
    for tensor in GGUFReader(gguf_file).tensors:
        if tensor.name == "rope_freqs.weight":
            continue
        name = hugging_face_name(tensor.name)
        expected = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        expected = expected.reshape([int(n) for n in reversed(tensor.shape)])
        if name.endswith(("q_proj", "k_proj")):
            expected = unpermuted(expected, config["head_dim"])
        found = mlx_values(weights, config, name)
        equal = found.shape == expected.shape and np.array_equal(found, expected)
        same, different = same + equal, different + (not equal)
        if not equal:
            print(f"{name}: differs (shapes {found.shape}, {expected.shape})")
    for left in weights:
        print(f"{left}: has no counterpart in the GGUF")
    print(f"{same} tensors are the same, {different} differ, {len(weights)} are left over")
    return different == 0 and not weights


def answers(folder):
    from mlx_lm import generate, load
    model, tokenizer = load(str(folder))
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": QUESTION}], add_generation_prompt=True)
    text = generate(model, tokenizer, prompt, max_tokens=16).strip()
    print(f"mlx-lm: {QUESTION!r} -> {text!r}")
    return text == ANSWER


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--generate", action="store_true", help="also ask SmolLM2 a question through mlx-lm")
    args = parser.parse_args()
    mx.set_default_device(mx.cpu)
    good = compare(args.gguf, args.folder)
    if args.generate:
        good = answers(args.folder) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
