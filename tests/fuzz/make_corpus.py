"""Makes the seed corpora and dictionaries of the fuzz targets: make_corpus.py FOLDER. Small valid files of what the program writes, of the
golden files and of this script (TARGET/), what campaigns grew of them (grown/TARGET/; keep.py), and the words that the parsers know
(TARGET.dict)."""
import json
import os
import pathlib
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile

SOURCE = pathlib.Path(os.environ["IFM_SOURCE_DIR"])
PROGRAM = os.environ["INFEROMETER"]

PLAN = """version: 1
name: seed
engines: [{simulated: {ttft_ms: 1, gap_ms: 1}}]
models: [none]
prompts: [{id: one, text: "hello", raw: true}]
max_tokens: [2, 3]
temperature: [0.5]
repeats: 1
"""

# Where the words of a format stand, and what else it is made of.
JSON = ["{", "}", "[", "]", ":", ",", '"', "null", "true", "false", "-1", "1e400", "0.5", "\\u0000", "\\ud800"]
DICTIONARIES = {
    "safetensors": (["format/safetensors*.cpp", "tensor/*.cpp"], [*JSON, "F32", "BF16", "U8", "dtype", "shape", "data_offsets", "__metadata__"]),
    "config": (["format/config*.cpp"], JSON),
    "tokenizer": (["text/tokenizer*.cpp", "text/pre_tokenizer.cpp", "text/added_tokens.cpp"], JSON),
    "hub_listing": (["hub/hub_listing.cpp", "hub/hub_choice.cpp"], [*JSON, "../", ".safetensors", ".gguf", "-00001-of-00002"]),
    "import": (["record/import*.cpp", "record/import*.h"], JSON),
    "gguf": (["format/*gguf*.cpp"], ["GGUF"]),
    "gguf_head": (["format/*gguf*.cpp", "hub/*gguf*.cpp"], ["GGUF"]),
    "gguf_tokenizer": (["text/tokenizer_gguf.cpp", "format/*gguf*.cpp"], ["GGUF"]),
    "plan": (["record/plan*.cpp"], ["- ", ": ", "{", "}", "[", "]", "&a ", "*a", "!!str ", "|\n", ">\n", "#", "---\n", "'", '"', "\n  ", "~", ".nan", "1e9"]),
    "template": (["text/jinja*.cpp", "text/chat_template.cpp"],
                 ["{{", "}}", "{%", "%}", "{#", "#}", "-%}", "{%- ", "for ", " in ", "endfor", "if ", "elif ", "else", "endif", "set ", "endset",
                  "macro ", "endmacro", "loop.", "range(9)", "messages", " is ", " not ", " and ", " or ", "|", "~", "[::-1]", "raise_exception("]),
    "sse": (["engine/openai_stream.cpp", "net/sse.cpp"], [*JSON, "data: ", "event: ", "id: ", ": ", "\r\n", "\n\n", "[DONE]", "\ufeff"]),
    "http": (["engine/openai_stream.cpp", "net/sse.cpp", "net/http.cpp"],
             [*JSON, "data: ", "\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "Content-Length: ", "Transfer-Encoding: chunked\r\n",
              "Content-Encoding: gzip\r\n", "Location: http://localhost/\r\n", "Connection: close\r\n", "0\r\n\r\n", "ffffffffffffffff\r\n", "[DONE]"]),
}


def keep(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def dictionary(patterns, more):
    words = set(more)
    for pattern in patterns:
        for file in sorted((SOURCE / "inferometer").glob(pattern)):
            if not file.stem.endswith("_test"):
                words.update(re.findall(r'"([A-Za-z_][\w.:/-]{1,40})"', file.read_text(encoding="utf-8")))
    escaped = ("".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in word.encode()) for word in sorted(words))
    return "".join(f'"{word}"\n' for word in escaped)


# --- files of a few tensors, made here: the smallest that go all the way through


def safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def small_safetensors(out):
    tensors = {"a.weight": {"dtype": "U32", "shape": [2, 2], "data_offsets": [0, 16]}, "a.scales": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [16, 20]}}
    keep(out, "quantized", safetensors({"__metadata__": {"format": "mlx"}, **tensors}, b"d" * 20))
    keep(out, "scalar_and_none", safetensors({"s": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}, "n": {"dtype": "F16", "shape": [0, 3], "data_offsets": [4, 4]}}, b"d" * 4))
    keep(out, "empty", safetensors({}, b""))


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


U32, F32, STRING, ARRAY = 4, 6, 8, 9


def value(kind, content):
    if kind == STRING:
        return text(content)
    if kind == ARRAY:
        element, members = content
        return struct.pack("<IQ", element, len(members)) + b"".join(value(element, member) for member in members)
    return struct.pack({U32: "<I", F32: "<f", 5: "<i", 7: "<?"}[kind], content)


def gguf(keys, tensors, version=3):
    """tensors: (name, dimensions, type, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for name, (kind, content) in keys.items():
        head += text(name) + struct.pack("<I", kind) + value(kind, content)
    data = b""
    for name, dimensions, kind, size in tensors:
        head += text(name) + struct.pack("<I", len(dimensions)) + b"".join(struct.pack("<Q", d) for d in dimensions) + struct.pack("<IQ", kind, len(data))
        data += b"d" * size + b"\0" * (-size % 32)
    return head + b"\0" * (-len(head) % 32) + data


def small_ggufs(out):
    llama = {
        "general.architecture": (STRING, "llama"), "llama.embedding_length": (U32, 64), "llama.block_count": (U32, 1),
        "llama.attention.head_count": (U32, 2), "llama.attention.head_count_kv": (U32, 1), "llama.feed_forward_length": (U32, 64),
        "llama.context_length": (U32, 32), "llama.attention.layer_norm_rms_epsilon": (F32, 1e-5), "llama.rope.freq_base": (F32, 1e4),
        "tokenizer.ggml.eos_token_id": (U32, 1)}
    letters = [chr(c) for c in range(0x21, 0x30)] + ["Ġ", "th", "<eos>"]
    words = {
        "tokenizer.ggml.model": (STRING, "gpt2"), "tokenizer.ggml.pre": (STRING, "llama-bpe"), "tokenizer.ggml.tokens": (ARRAY, (STRING, letters)),
        "tokenizer.ggml.token_type": (ARRAY, (5, [1] * (len(letters) - 1) + [3])), "tokenizer.ggml.merges": (ARRAY, (STRING, ["t h"])),
        "tokenizer.ggml.bos_token_id": (U32, 1), "tokenizer.ggml.add_bos_token": (7, True)}
    embedding = ("token_embd.weight", [64, 18], 0, 64 * 18 * 4)
    for target in ("gguf", "gguf_head"):
        keep(out / target, "llama", gguf(llama, [embedding]))
        keep(out / target, "quantized", gguf(llama, [("token_embd.weight", [64, 2], 3, 80), ("output_norm.weight", [64], 0, 256)], version=2))
        keep(out / target, "none", gguf({"general.alignment": (U32, 64)}, []))
    keep(out / "gguf_tokenizer", "bpe", gguf({**llama, **words}, [("token_embd.weight", [64, 18], 3, 18 * 40)]))


# --- what the program writes


def of_the_program(out, scratch):
    tiny, results = scratch / "tiny", scratch / "results"
    subprocess.run([PROGRAM, "models", "synth", "tiny-llama", "-o", tiny], check=True, capture_output=True)
    (scratch / "plan.yaml").write_text(PLAN, encoding="utf-8")
    subprocess.run([PROGRAM, "run", scratch / "plan.yaml", "--out", results], check=True, capture_output=True)
    keep(out / "config", "tiny", (tiny / "config.json").read_bytes())
    keep(out / "tokenizer", "tiny", (tiny / "tokenizer.json").read_bytes())
    database = results / "inferometer.db"
    with sqlite3.connect(database) as rows:
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        level, stamps = rows.execute("SELECT level, stamps FROM run LIMIT 1").fetchone()
    rows.close()
    keep(out / "results", "simulated", database.read_bytes())
    digest = 64
    keep(out / "run_row", "level", b"\0" + level[digest:])
    keep(out / "run_row", "stamps", b"\1" + stamps)


def recorded_streams(out):
    for recording in sorted((SOURCE / "tests/golden/sse").glob("*.txt")):
        answer = recording.read_bytes().split(b"<<<\n", 1)[1]
        keep(out / "http", recording.stem, answer)
        body = answer.split(b"\r\n\r\n", 1)[1]
        lines = [line for line in body.split(b"\n") if not re.fullmatch(rb"[0-9a-f]+\r", line)]  # sizes of chunks
        keep(out / "sse", recording.stem, b"\x07" + b"\n".join(lines))


def hub_listing(out):
    files = [{"rfilename": "config.json", "size": 12, "blobId": "b" * 40},
             {"rfilename": "model.safetensors", "size": 9, "blobId": "b" * 40, "lfs": {"sha256": "c" * 64, "size": 9, "pointerSize": 134}}]
    keep(out, "folder", json.dumps({"id": "o/n", "sha": "a" * 40, "siblings": files}).encode())


def others_results(out):
    keep(out, "llama_bench", (SOURCE / "tests/golden/import/llama_bench.json").read_bytes())
    run = {"model": "m", "prompt": "p", "max_tokens": 64, "temperature": 0.3, "latency": 1.25, "tokens": 61}
    keep(out, "run", json.dumps(run).encode())
    keep(out, "runs", json.dumps([run, dict(run, tokens=None)]).encode())


def grown(out):
    for archive in sorted((SOURCE / "tests/fuzz/grown").glob("*.tar.xz")):
        with tarfile.open(archive) as tar:
            for entry in tar:
                keep(out / archive.name.removesuffix(".tar.xz"), os.path.basename(entry.name), tar.extractfile(entry).read())


def main():
    out = pathlib.Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    small_safetensors(out / "safetensors")
    small_ggufs(out)
    with tempfile.TemporaryDirectory() as scratch:
        of_the_program(out, pathlib.Path(scratch))
    hub_listing(out / "hub_listing")
    others_results(out / "import")
    recorded_streams(out)
    for template in sorted((SOURCE / "tests/golden/text/templates").glob("*.jinja")):
        keep(out / "template", template.stem, template.read_bytes())
    for plan in sorted((SOURCE / "plans").glob("*.yaml")):
        keep(out / "plan", plan.stem, plan.read_bytes())
    grown(out / "grown")
    for target, (patterns, more) in DICTIONARIES.items():
        (out / f"{target}.dict").write_text(dictionary(patterns, more), encoding="ascii")
    print("\n".join(f"{folder.name}: {len(list(folder.iterdir()))} inputs" for folder in sorted(out.iterdir()) if folder.is_dir()))


main()
