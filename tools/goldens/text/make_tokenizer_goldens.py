#!/usr/bin/env python3
"""Writes tests/golden/text/tokenizer_*.json: token ids from Hugging Face `tokenizers` for generated strings.

The strings are not stored: string number i follows from i by the generator below, which the C++ tests have too (test_strings.h); per
string the file has the FNV-1a hash of its ids, and the ids themselves for the first ones. The SmolLM2 tokenizer is built from the
metadata of the GGUF; for the other pre-tokenizers small vocabularies are trained here and written beside as *.tokenizer.json.

    pip install tokenizers==0.23.3 gguf
    make_tokenizer_goldens.py SmolLM2-135M-Instruct.Q4_1.gguf tests/golden/text
"""
import hashlib
import json
import pathlib
import sys

import gguf
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

WORDS = [
    "the", " cat", " The", "\n", "\r\n", "  ", "   ", "\t", "'s", "'LL", " 'Re", "'ve", "'\u017f", "123", " 4 56", "7", "\u0661\u0662", "\u00b2",
    "\u00bd", "\u2167", "\u00e9", "e\u0301", " caf\u00e9", "\u4f60\u597d", "\u4e16\u754c\u3002", "\u3053\u3093\u306b\u3061\u306f", "\ud55c\uad6d\uc5b4",
    "\u1112\u1161\u11ab", "\U0001f642", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u00a0", "\u3000", "\u2028", "\u0085",
    "def f(x):\n    return x\n", "for (int i = 0; i < n; ++i) {", "<|im_start|>", "<|im_end|>", "<|im_", "<|begin_of_text|>", "<|endoftext|>",
    "<tool>", "\u00df", "\u0000", "\u001c", "\u0004", "\u200d", "\ufeff", "\U00016ff4", "\U00011de0", "a" * 60, "ab" * 40, "_", "--", "...", "!?",
    " \n", "\n ", "\u0300", "\u0939\u093f\u0928\u094d\u0926\u0940", "\ufb01", "\u00c5", "\u212b", "\u1e9b\u0323", "\u0623\u0643\u0644", "\u05e9\u05dc\u05d5\u05dd",
    " unmergeable", "http://example.org/a?b=c&d=%20", "{\"key\": [1, 2.5e-3, null]}", "\u2014", "\u201cquoted\u201d", "ZZ\u0130\u0131", "\ud7ff", "\U0010ffff",
]  # fmt: skip
SPACES = " \t\n\r\u00a0 "
PLANES = [(0x20, 0x7F), (0x80, 0x800), (0x800, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000)]


class Lcg:
    """Knuth's MMIX generator; the upper 31 bits of each state."""

    def __init__(self, seed):
        self.state = seed * 0x9E3779B97F4A7C15 & (1 << 64) - 1

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        return (self.state >> 33) % n


def string(i):
    rng = Lcg(i)
    out = []
    for _ in range(rng.below(24)):
        kind = rng.below(10)
        if kind < 4:
            out.append(WORDS[rng.below(len(WORDS))])
        elif kind < 6:
            out.append(chr(32 + rng.below(95)))
        elif kind < 7:
            out.append(SPACES[rng.below(len(SPACES))])
        else:
            first, end = PLANES[rng.below(len(PLANES))]
            out.append(chr(first + rng.below(end - first)))
    return "".join(out)


def fnv(ids):
    h = 0xCBF29CE484222325
    for token in ids:
        for byte in token.to_bytes(4, "little"):
            h = (h ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return h


def write(folder, name, tokenizer, count, full):
    ids = [tokenizer.encode(string(i), add_special_tokens=False).ids for i in range(count)]
    golden = {
        "tool": "tokenizers " + tokenizers.__version__ + ", tools/goldens/text/make_tokenizer_goldens.py",
        "words": WORDS,
        "spaces": SPACES,
        "count": count,
        "ids": ids[:full],
        "prefix": tokenizer.encode("").ids,
        "hashes": "".join("%016x" % fnv(x) for x in ids),
    }
    path = folder / ("tokenizer_" + name + ".json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="ascii")
    print(name, count, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def smollm2(path):
    reader = gguf.GGUFReader(path)
    contents = lambda key: reader.fields["tokenizer.ggml." + key].contents()
    tokens = contents("tokens")
    merges = [tuple(m.split(" ")) for m in contents("merges")]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    control = [t for t, kind in zip(tokens, contents("token_type")) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in control])
    return tokenizer


def split(pattern):
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|")


def small(family):
    """A trained vocabulary of 700 tokens with the family's pre-tokenizer, normalizer, post-processor and kinds of added tokens."""
    pre = {"llama3": split(LLAMA3), "qwen2": split(QWEN2), "gpt2": pre_tokenizers.ByteLevel(add_prefix_space=False)}[family]
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    trained.train_from_iterator((string(i).replace(" unmergeable", "") for i in range(100_000, 103_000)), trainer)
    model = json.loads(trained.to_str())["model"]
    vocab = model["vocab"]
    assert "\u0120unmergeable" not in vocab
    vocab["\u0120unmergeable"] = len(vocab)  # reached only when whole words come first
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(m) for m in model["merges"]], ignore_merges=family == "llama3"))
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    special = {"llama3": ["<|begin_of_text|>"], "qwen2": ["<|im_start|>", "<|im_end|>"], "gpt2": ["<|endoftext|>"]}[family]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    tokenizer.add_tokens([AddedToken("<tool>", special=False, normalized=False)])
    if family == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.add_tokens([AddedToken("cafe\u0301", special=False, normalized=True)])
    if family == "llama3":
        bos = special[0]
        template = processors.TemplateProcessing(single=bos + " $A", special_tokens=[(bos, tokenizer.token_to_id(bos))])
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return tokenizer


def main():
    folder = pathlib.Path(sys.argv[2])
    write(folder, "smollm2", smollm2(sys.argv[1]), 20_000, 300)
    for family in ("llama3", "qwen2", "gpt2"):
        tokenizer = small(family)
        text = tokenizer.to_str(pretty=False)
        (folder / (family + ".tokenizer.json")).write_text(text + "\n", encoding="utf-8")
        write(folder, family, Tokenizer.from_str(text), 5_000, 50)


if __name__ == "__main__":
    main()
