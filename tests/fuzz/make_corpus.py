"""Makes the seed corpora of the fuzz targets: make_corpus.py FOLDER. Small valid files, of what the program writes and of the goldens."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["IFM_SOURCE_DIR"])
PROGRAM = os.environ["INFEROMETER"]


def keep(folder, name, path, most=200_000):
    """The first `most` bytes of a file: headers matter, megabytes of weights do not."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(pathlib.Path(path).read_bytes()[:most])


def main():
    out = pathlib.Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        tiny = pathlib.Path(scratch) / "tiny"
        for arguments in (["-o", tiny], ["--format", "gguf", "-o", f"{tiny}.gguf"]):
            subprocess.run([PROGRAM, "models", "synth", "tiny-llama", *arguments], check=True, capture_output=True)
        keep(out / "safetensors", "tiny", tiny / "model.safetensors", most=10**9)
        keep(out / "gguf", "tiny", f"{tiny}.gguf", most=10**9)
        keep(out / "gguf_head", "tiny", f"{tiny}.gguf")
        keep(out / "config", "tiny", tiny / "config.json")
        keep(out / "tokenizer", "tiny", tiny / "tokenizer.json")
    (out / "hub_listing").mkdir()
    files = [{"rfilename": "config.json", "size": 12, "blobId": "b" * 40},
             {"rfilename": "model.safetensors", "size": 9, "blobId": "b" * 40, "lfs": {"sha256": "c" * 64, "size": 9, "pointerSize": 134}}]
    (out / "hub_listing" / "folder").write_text(json.dumps({"id": "o/n", "sha": "a" * 40, "siblings": files}), encoding="utf-8")
    for template in sorted((SOURCE / "tests/golden/text/templates").glob("*.jinja")):
        keep(out / "template", template.stem, template)
    for plan in sorted((SOURCE / "plans").glob("*.yaml")):
        keep(out / "plan", plan.stem, plan)
    (out / "sse").mkdir()
    for recording in sorted((SOURCE / "tests/golden/sse").glob("*.txt")):
        body = recording.read_bytes().split(b"<<<\n", 1)[1].split(b"\r\n\r\n", 1)[1]
        lines = [line for line in body.split(b"\n") if not re.fullmatch(rb"[0-9a-f]+\r", line)]  # sizes of chunks
        (out / "sse" / recording.stem).write_bytes(b"\x07" + b"\n".join(lines))
    print("\n".join(f"{folder.name}: {len(list(folder.iterdir()))} inputs" for folder in sorted(out.iterdir())))


main()
