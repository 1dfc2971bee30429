#!/usr/bin/env python3
"""Makes tests/golden/parity/tiny-llama/ and its logits as mlx-lm computes them.

A random Llama small enough to commit: grouped-query attention (4 heads, 2 of keys and values), tied head, MLX 4-bit groups
of 64 with bf16 scales, and `llama3` RoPE scaling chosen so that 96 positions see all three of its bands. The logits are those
of mlx-lm on the CPU with float32 activations. Needs requirements.txt.

  make_tiny_llama.py [--out tests/golden/parity] [--check]

With --check the committed goldens are compared with what was made, and differences in the model's bytes or beyond the rounding
of float32 in the logits are an error.
"""
import argparse
import datetime
import json
import os
import struct

import numpy as np

import peer_logits

HERE = os.path.dirname(os.path.abspath(__file__))
COMMITTED = os.path.join(HERE, "..", "..", "tests", "golden", "parity")
SEED = 20240726
POSITIONS = 96
GAIN = 1.6  # of the weights, over 1/sqrt(columns): attention that is neither flat nor one-hot
EMBEDDING_GAIN = 0.25  # logits with a standard deviation near 3: next-token distributions worth sampling from
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 320,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                     "original_max_position_embeddings": 64},
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": 318,
    "eos_token_id": 319,
    "quantization": {"group_size": 64, "bits": 4},
}
LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
                  r"|\s+(?!\S)|\s+")


def shapes():
    """Name → (rows, columns) of every matrix."""
    hidden, heads, kv, dim = 128, 4, 2, 32
    out = {"model.embed_tokens": (CONFIG["vocab_size"], hidden)}
    for layer in range(CONFIG["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, rows in (("q", heads * dim), ("k", kv * dim), ("v", kv * dim)):
            out[f"{at}self_attn.{name}_proj"] = (rows, hidden)
        out[at + "self_attn.o_proj"] = (hidden, heads * dim)
        for name in ("gate", "up"):
            out[f"{at}mlp.{name}_proj"] = (CONFIG["intermediate_size"], hidden)
        out[at + "mlp.down_proj"] = (hidden, CONFIG["intermediate_size"])
    return out


def write_weights(path):
    import mlx.core as mx

    random = np.random.default_rng(SEED)
    weights = {}
    for name, (rows, columns) in shapes().items():
        gain = EMBEDDING_GAIN if name == "model.embed_tokens" else GAIN / np.sqrt(columns)
        full = mx.array((random.standard_normal((rows, columns)) * gain).astype(np.float32)).astype(mx.bfloat16)
        packed = mx.quantize(full, group_size=64, bits=4)
        for part, array in zip(("weight", "scales", "biases"), packed):
            weights[f"{name}.{part}"] = array
    norms = [f"model.layers.{layer}.{part}_layernorm" for layer in range(2) for part in ("input", "post_attention")]
    for name in [*norms, "model.norm"]:
        weights[name + ".weight"] = mx.array(1 + 0.2 * random.standard_normal(128).astype(np.float32)).astype(mx.bfloat16)
    mx.save_safetensors(path, weights, metadata={"format": "mlx"})


def write_tokenizer(folder):
    """256 bytes, 62 merges, BOS and EOS: the form of Llama 3's tokenizer.json."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_PATTERN), "isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=318, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
                                  show_progress=False)
    with open(os.path.join(HERE, "..", "..", "LICENSE"), encoding="utf-8") as file:
        tokenizer.train_from_iterator([file.read()], trainer)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>"])
    if tokenizer.get_vocab_size() != CONFIG["vocab_size"]:
        raise SystemExit(f"tokenizer: expected {CONFIG['vocab_size']} entries, got {tokenizer.get_vocab_size()}")
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump({"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>",
                   "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512}, file, indent=1)


def check(made, committed):
    """Compares two output folders."""
    for name in ("config.json", "model.safetensors"):
        paths = [os.path.join(folder, "tiny-llama", name) for folder in (made, committed)]
        if peer_logits.sha256_of(paths[0]) != peer_logits.sha256_of(paths[1]):
            raise SystemExit(f"tiny-llama/{name}: is not what is committed")
    data = []
    for folder in (made, committed):
        with open(os.path.join(folder, "tiny_llama_logits.bin"), "rb") as file:
            data.append(file.read())
    if len(data[0]) != len(data[1]) or data[0][:16 + 2 * POSITIONS] != data[1][:16 + 2 * POSITIONS]:
        raise SystemExit("tiny_llama_logits.bin: other ids or another size than committed")
    logits = [np.frombuffer(part, "<f4", offset=16 + 2 * POSITIONS) for part in data]
    difference = np.abs(logits[0] - logits[1]).max()
    print(f"largest difference of a logit to the committed golden: {difference:.2e}")
    if difference > 1e-3:
        raise SystemExit("tiny_llama_logits.bin: differs from the committed one by more than rounding (expected at most 1e-3)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=COMMITTED)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    folder = os.path.join(args.out, "tiny-llama")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(CONFIG, file, indent=1)
        file.write("\n")
    weights = os.path.join(folder, "model.safetensors")
    write_weights(weights)
    write_tokenizer(folder)
    ids = np.random.default_rng(SEED + 1).integers(0, CONFIG["vocab_size"] - 2, POSITIONS)
    logits = peer_logits.Mlx(folder).score(ids)
    with open(os.path.join(args.out, "tiny_llama_logits.bin"), "wb") as file:
        file.write(b"IFMLOGIT" + struct.pack("<2I", POSITIONS, CONFIG["vocab_size"]))
        file.write(ids.astype("<u2").tobytes() + np.ascontiguousarray(logits, "<f4").tobytes())
    note = {"made_by": "tools/peers/make_tiny_llama.py", "date": datetime.date.today().isoformat(), "seed": SEED,
            "mlx": peer_logits.Mlx.version(), "weights": peer_logits.sha256_of(weights), "positions": POSITIONS,
            "largest_logit": float(np.abs(logits).max())}
    with open(os.path.join(args.out, "tiny_llama.json"), "w", encoding="utf-8") as file:
        json.dump(note, file, indent=1)
        file.write("\n")
    print(json.dumps(note, indent=1))
    if args.check:
        check(args.out, COMMITTED)


if __name__ == "__main__":
    main()
