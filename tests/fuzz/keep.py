"""Keeps what campaigns grew: of build/fuzz/grown/TARGET the inputs that reach what the seeds do not, the fewest, in
tests/fuzz/grown/TARGET.tar.xz. The next campaign begins with them, and the ordinary tests replay them (make_corpus.py).

  keep.py TARGET… --build build/fuzz"""
import argparse
import hashlib
import io
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

GROWN = pathlib.Path(__file__).resolve().parent / "grown"


def fewest(build, target, out):
    """The seeds are there first, so that nothing is kept for what they reach."""
    corpus = build / "corpus"
    seeds = {hashlib.sha1(file.read_bytes()).hexdigest(): file for file in (corpus / target).iterdir()}
    for name, file in seeds.items():
        shutil.copy(file, out / name)
    grown = [folder for folder in (corpus / "grown" / target, build / "grown" / target) if folder.exists()]
    subprocess.run([build / "fuzz" / f"fuzz_{target}", "-merge=1", "-rss_limit_mb=1024", out, *grown], check=True, capture_output=True)
    return [file for file in sorted(out.iterdir()) if file.name not in seeds]


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
