"""Keeps what campaigns grew: of build/fuzz/grown/TARGET the inputs that reach what the seeds do not, the fewest, in
tests/fuzz/grown/TARGET.tar.xz. The next campaign begins with them, and the ordinary tests replay them (make_corpus.py).

  keep.py TARGET… --build build/fuzz"""
import argparse
import hashlib
import io
import pathlib
import subprocess
import tarfile
import tempfile

GROWN = pathlib.Path(__file__).resolve().parent / "grown"


def digests(folder):
    return {hashlib.sha1(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def fewest(build, target, out):
    """Seeds come first, so that nothing is kept for what they reach."""
    corpus = build / "corpus"
    inputs = [folder for folder in (corpus / target, corpus / "grown" / target, build / "grown" / target) if folder.exists()]
    subprocess.run([build / "fuzz" / f"fuzz_{target}", "-merge=1", "-rss_limit_mb=1024", out, *inputs], check=True, capture_output=True)
    return [file for file in sorted(out.iterdir()) if file.name not in digests(corpus / target)]


def pack(files, archive):
    """The same bytes for the same inputs."""
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for file in files:
            data = file.read_bytes()
            entry = tarfile.TarInfo(file.name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("targets", nargs="+")
    arguments.add_argument("--build", type=pathlib.Path, required=True)
    given = arguments.parse_args()
    GROWN.mkdir(exist_ok=True)
    for target in given.targets:
        with tempfile.TemporaryDirectory() as out:
            files = fewest(given.build, target, pathlib.Path(out))
            pack(files, GROWN / f"{target}.tar.xz")
        print(f"{target}: {len(files)} inputs, {(GROWN / f'{target}.tar.xz').stat().st_size / 1000:.0f} kB", flush=True)


main()
