"""Our cache of the Hugging Face Hub and the one of huggingface_hub are one: each finds what the other has fetched from a small local Hub.

usage: hub_cache.py INFEROMETER
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "cli"))
from hub_server import Hub, read_folder  # noqa: E402

NAME = "owner/tiny"
FETCH = "import sys, huggingface_hub as h; print(h.snapshot_download(sys.argv[1], token=False, allow_patterns=['*.json', '*.safetensors', '*.jinja']))"


def run(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"{command[:3]}: exit {done.returncode}\n{done.stderr}")
    return done.stdout.strip()


def main():
    inferometer = sys.argv[1]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        run([inferometer, "models", "synth", "tiny-llama", "-o", folder / "tiny"], os.environ)
        files = read_folder(folder / "tiny")
        with Hub({NAME: files}) as hub:
            def environment(cache, offline):
                return {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(folder / cache), "HF_HUB_OFFLINE": "1" if offline else "",
                        "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "", "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_TELEMETRY": "1"}

            def theirs(cache, offline):
                return run([sys.executable, "-c", FETCH, NAME], environment(cache, offline)).splitlines()[-1]

            def ours(cache, verb, *arguments):
                return run([inferometer, *verb, *arguments], environment(cache, True))

            run([inferometer, "models", "pull", f"hf:{NAME}"], environment("ours", False))
            found = theirs("ours", True)
            assert read_folder(found) == files, f"{found}: not what we have pulled"

            fetched = theirs("theirs", False)
            assert read_folder(fetched) == files, f"{fetched}: not what the Hub has"
            assert ours("theirs", ["models", "pull"], f"hf:{NAME}") == f"hf:{NAME}: {fetched}"
            ours("theirs", ["generate"], "-m", f"hf:{NAME}", "-p", "the", "-n", "2")

            # Theirs goes on where ours has been: nothing is fetched again.
            asked = len(hub.paths("model.safetensors"))
            theirs("ours", False)
            again = [path for path, headers in hub.asked[asked:] if path.endswith("model.safetensors") and "Range" in headers]
            assert again == [], again

            def links(cache):
                root = folder / cache
                return {path.relative_to(root).as_posix(): os.readlink(path) for path in root.rglob("*") if path.is_symlink()}
            assert links("ours") == links("theirs"), (links("ours"), links("theirs"))
    print("hub cache: what one fetched, the other found; the same links and blobs")


if __name__ == "__main__":
    main()
