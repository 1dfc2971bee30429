#!/usr/bin/env python3
"""Makes a wheel that carries the program: wheel.py --prefix INSTALLED --version VERSION --out FOLDER. See wheel.sh, which bundles the libraries.

The program lies in the package, and the command `inferometer` that pip makes becomes it."""
import argparse
import base64
import hashlib
import pathlib
import sysconfig
import zipfile

LAUNCHER = '''\
"""Becomes the program that lies beside this file."""
import os
import sys


def main():
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "inferometer")
    os.execv(program, ["inferometer", *sys.argv[1:]])
'''
METADATA = """\
Metadata-Version: 2.1
Name: inferometer
Version: {version}
Summary: Runs language models on your own machine and measures, so that you can trust it, how fast that is
License: Apache-2.0
Requires-Python: >=3.8
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: inferometer packaging/wheel.py\nRoot-Is-Purelib: false\nTag: py3-none-{platform}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prefix", type=pathlib.Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    info = f"inferometer-{args.version}.dist-info"
    files = [("inferometer/__init__.py", LAUNCHER.encode(), 0o644),
             ("inferometer/bin/inferometer", (args.prefix / "bin/inferometer").read_bytes(), 0o755)]
    for folder in ("plans", "schemas"):
        for path in sorted((args.prefix / "share/inferometer" / folder).iterdir()):
            files.append((f"inferometer/{folder}/{path.name}", path.read_bytes(), 0o644))
    files += [(f"{info}/METADATA", METADATA.format(version=args.version).encode(), 0o644),
              (f"{info}/WHEEL", WHEEL.format(platform=platform).encode(), 0o644),
              (f"{info}/entry_points.txt", b"[console_scripts]\ninferometer = inferometer:main\n", 0o644),
              (f"{info}/LICENSE", (args.prefix / "share/doc/inferometer/LICENSE").read_bytes(), 0o644)]
    digest = lambda data: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, data, _ in files) + f"{info}/RECORD,,\n"
    args.out.mkdir(parents=True, exist_ok=True)
    wheel = args.out / f"inferometer-{args.version}-py3-none-{platform}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, mode in [*files, (f"{info}/RECORD", record.encode(), 0o644)]:
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    print(wheel)


if __name__ == "__main__":
    main()
