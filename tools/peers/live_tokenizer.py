#!/usr/bin/env python3
"""Compares our tokenizer with Hugging Face `tokenizers`, live, on 20,000 strings of a fresh seed.

  live_tokenizer.py --dump-ids build/release/tests/dump_ids --mlx FOLDER --gguf FILE [--seed N]

Ours reads the folder's tokenizer.json and the GGUF's metadata; theirs reads the folder's tokenizer.json. Every string whose
bytes the vocabulary has must also come back from its ids. Exit code 1 at the first difference, which is printed with the seed.
"""
import argparse
import os
import random
import struct
import subprocess
import sys
import time
import unicodedata

import parity_run

COUNT = 20000
WORDS = ["the", "Tokens", "isn't", "WE'LL", "naïve", "Straße", "über", "été", "Ελλάδα", "привет", "你好世界", "こんにちは", "한국어", "नमस्ते",
         "مرحبا", "שלום", "ไทย", "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "ﬁ", "½", "①", "x²", "0x1F", "3.14159", "1,234,567", "2024-07-26", "٣٤", "C++", "a_b"]
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000", "\u2028", "\v", ""]
SIGNS = list("!?.,:;()[]{}<>+-*/=&|^%$#@~`'\"\\_") + ["->", "==", "::", "…", "—", "«", "€", "''", "'s", "'LL", "<|im_start|>", "</s>"]


def any_character(rng):
    """A code point of any plane that is neither a surrogate nor unassigned (whose classes change with Unicode's version)."""
    while True:
        point = rng.choice((rng.randrange(0x80), rng.randrange(0x800), rng.randrange(0x10000), rng.randrange(0x20000)))
        if unicodedata.category(chr(point)) not in ("Cs", "Cn"):
            return chr(point)


def missing_bytes(vocabulary):
    """Bytes that the vocabulary has no token for: byte-level BPE drops them (SmolLM2 lacks some control and never-used bytes)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    written = {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    return {byte for byte in range(256) if written[byte] not in vocabulary}


def make_string(rng, text):
    kind = rng.randrange(4)
    if kind == 0:
        begin = rng.randrange(len(text))
        return text[begin:begin + rng.randrange(1, 120)]
    if kind == 1:
        return "".join(any_character(rng) for _ in range(rng.randrange(1, 24)))
    if kind == 2:
        return "".join(rng.choice(rng.choice((WORDS, SPACES, SIGNS))) for _ in range(rng.randrange(1, 24)))
    parts = (rng.choice(WORDS), str(rng.randrange(10 ** rng.randrange(1, 12))), rng.choice(SPACES), rng.choice(SIGNS), any_character(rng))
    return "".join(rng.choice(parts) for _ in range(rng.randrange(1, 16)))


def our_ids(program, model, strings):
    """(ids, whether they decode to the string) of each string."""
    data = b"".join(struct.pack("=I", len(s)) + s for s in (string.encode() for string in strings))
    words = memoryview(subprocess.run([program, model], input=data, stdout=subprocess.PIPE, check=True).stdout).cast("I")
    out, at = [], 0
    while at < len(words):
        count = words[at]
        out.append((list(words[at + 1:at + 1 + count]), words[at + 1 + count] == 1))
        at += count + 2
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump-ids", required=True)
    parser.add_argument("--mlx", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    from tokenizers import Tokenizer

    theirs = Tokenizer.from_file(os.path.join(args.mlx, "tokenizer.json"))
    theirs.encode_special_tokens = True  # text that looks like a special token stays text
    rng = random.Random(args.seed)
    text = parity_run.read_text()
    strings = [make_string(rng, text) for _ in range(COUNT)]
    expected = [encoding.ids for encoding in theirs.encode_batch(strings, add_special_tokens=False)]
    missing = missing_bytes(theirs.get_vocab())
    came_back = 0
    for model in (args.mlx, args.gguf):
        found = our_ids(args.dump_ids, model, strings)
        if len(found) != len(strings):
            sys.exit(f"{model}: {len(found)} answers to {len(strings)} strings")
        for string, ids, (our, whole) in zip(strings, expected, found):
            came_back += whole
            if our != ids or not (whole or missing.intersection(string.encode())):
                sys.exit(f"{model}: {string!r} (seed {args.seed}): expected {ids}, got {our}, {'' if whole else 'not '}decoded to itself")
    print(f"{COUNT} strings of seed {args.seed}, {sum(map(len, expected))} ids, from folder and GGUF: 0 differences; {came_back / 2 / COUNT:.2%} decode to "
          f"themselves, the others hold one of the {len(missing)} bytes that the vocabulary lacks")


if __name__ == "__main__":
    main()
