"""The Hugging Face Hub through the whole program: pull, resume, what is refused, whose token goes where, models of other programs."""
import hashlib
import json
import os
import signal
import subprocess
import threading
import time

from harness import PROGRAM, CliTest, inferometer, main, tiny_model
from hub_server import COMMIT, Hub, git_sha1, read_folder

FAILED, USAGE, INTERRUPTED = 1, 2, 130
NAME = "owner/tiny"


class HubTest(CliTest):
    def setUp(self):
        super().setUp()
        self.cache = self.folder / "hub"
        self.hub = Hub({NAME: tiny_model()})
        self.addCleanup(self.hub.__exit__)
        self.environment = {"HOME": str(self.folder), "HF_ENDPOINT": self.hub.url, "HF_HUB_CACHE": str(self.cache), "XDG_CACHE_HOME": "",
                            "HF_HOME": "", "HF_TOKEN": "", "HF_TOKEN_PATH": "", "HF_HUB_OFFLINE": "", "LLAMA_CACHE": "", "OLLAMA_MODELS": "",
                            "INFEROMETER_HOME": str(self.folder / "ours"), "no_proxy": "127.0.0.1"}

    def pull(self, *arguments, **keywords):
        return self.succeeds("models", "pull", *arguments, environment=self.environment, **keywords)

    def refuses_pull(self, *arguments, code=FAILED, naming=()):
        """As refuses(), but the lines of progress may stand before the error."""
        done = inferometer("models", "pull", *arguments, environment=self.environment)
        self.assertEqual(done.returncode, code, done.stderr)
        last = done.stderr.splitlines()[-1]
        self.assertTrue(last.startswith("inferometer: "), done.stderr)
        self.assertEqual(sum(line.startswith("inferometer: ") for line in done.stderr.splitlines()), 1, done.stderr)
        for word in [naming] if isinstance(naming, str) else naming:
            self.assertIn(word, last)
        return last

    def repository(self, name=NAME):
        return self.cache / ("models--" + name.replace("/", "--"))

    def assert_nothing_in_the_making(self):
        self.assertEqual([path.name for path in self.cache.rglob("*.incomplete")], [])

    def wait_for_the_other_files(self):
        """Until all but the weights are there: what fails then stops no download of another file in its middle."""
        others = {name for name in read_folder(tiny_model()) if not name.endswith(".safetensors")}
        snapshot = self.repository() / "snapshots" / COMMIT
        end = time.monotonic() + 60
        while not others <= {path.name for path in snapshot.glob("*")}:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def answer(self, model):
        return self.succeeds("generate", "-m", model, "-p", "the", "-n", "4", "--json", environment=self.environment)


class Pull(HubTest):
    def test_leaves_what_the_hugging_face_tools_would(self):
        done = self.pull(f"hf:{NAME}")
        snapshot = self.repository() / "snapshots" / COMMIT
        self.assertEqual(done.stdout, f"hf:{NAME}: {snapshot}\n")
        self.assertEqual((self.repository() / "refs" / "main").read_text(), COMMIT)
        expected = read_folder(tiny_model())
        self.assertEqual(read_folder(snapshot), expected)
        for name, content in expected.items():
            digest = hashlib.sha256(content).hexdigest() if name.endswith(".safetensors") else git_sha1(content)
            self.assertEqual(os.readlink(snapshot / name), f"../../blobs/{digest}", name)
        self.assert_nothing_in_the_making()

    def test_files_come_in_parallel(self):
        self.hub.together = ("model.safetensors", "tokenizer.json")
        self.pull(f"hf:{NAME}")
        self.assertFalse(self.hub.barrier.broken)

    def test_says_the_cost_before(self):
        lines = self.pull(f"hf:{NAME}").stderr.splitlines()
        total = sum(map(len, read_folder(tiny_model()).values()))
        self.assertRegex(lines[0], rf"^hf:{NAME}: \d files, {total / 1e6:.1f} MB to download, about [0-9.]+ MB of memory at "
                                   r"\d+ tokens, up to \d+ tokens/s here \([0-9.]+ GB/s read by \d+ threads\)$")
        self.assertIn("100 %", lines[-2])
        self.assertIn("done in", lines[-1])

    def test_the_name_works_where_a_model_goes(self):
        done = self.refuses("generate", "-m", f"hf:{NAME}", "-p", "x", code=FAILED, naming=f"`inferometer models pull hf:{NAME}`",
                            environment=self.environment)
        self.assertEqual(self.hub.asked, [], done.stderr)  # nothing is downloaded in the middle of something else
        self.pull(NAME)
        for model in (f"hf:{NAME}", NAME, f"hf:{NAME}@main", f"hf:{NAME}@{COMMIT}"):
            self.answer(model)
        self.succeeds("models", "inspect", f"hf:{NAME}", environment=self.environment)
        self.succeeds("tokenize", "-m", f"hf:{NAME}", stdin="the\n", environment=self.environment)
        self.succeeds("bench", "-m", f"hf:{NAME}", "-p", "0", "-n", "2", "-r", "1", environment=self.environment)
        plan = self.folder / "plan.yaml"
        plan.write_text(f"version: 1\nname: hub\nseed: 1\nmode: [warm]\nengines: [embedded]\nmodels: [hf:{NAME}]\n"
                        "prompts:\n  - id: p\n    text: the\nmax_tokens: [2]\ntemperature: [0]\nrepeats: 1\nwarmup: 0\nignore_eos: true\n", encoding="utf-8")
        self.succeeds("run", plan, "--out", self.folder / "results", environment=self.environment)
        self.assertIn(f"hf:{NAME}", self.succeeds("models", "list", environment=self.environment).stdout)

    def test_a_second_time_asks_nobody(self):
        self.pull(f"hf:{NAME}")
        asked = len(self.hub.asked)
        done = self.pull(f"hf:{NAME}", "--json")
        self.assertEqual(json.loads(done.stdout)["downloaded"], False)
        self.assertEqual(len(self.hub.asked), asked)

    def test_update_fetches_what_is_new(self):
        self.pull(f"hf:{NAME}")
        self.hub.commit, asked = "f" * 40, len(self.hub.asked)
        self.hub.repositories[NAME]["tokenizer_config.json"] += b" "
        self.pull(f"hf:{NAME}")
        self.assertEqual(len(self.hub.asked), asked)
        self.assertIn(self.hub.commit, self.pull(f"hf:{NAME}", "--update").stdout)
        self.assertEqual([path for path, _ in self.hub.asked[asked:] if "/resolve/" in path],
                         [f"/{NAME}/resolve/{self.hub.commit}/tokenizer_config.json"])
        self.assertEqual((self.repository() / "refs" / "main").read_text(), self.hub.commit)
        self.answer(f"hf:{NAME}")
        self.answer(f"hf:{NAME}@{COMMIT}")  # what was there stays

    def test_offline_asks_nobody(self):
        self.refuses_pull(f"hf:{NAME}", "--offline", code=USAGE, naming="--offline")
        self.environment["HF_HUB_OFFLINE"] = "1"
        self.refuses_pull(f"hf:{NAME}", code=USAGE, naming="HF_HUB_OFFLINE")
        self.assertEqual(self.hub.asked, [])

    def test_what_this_build_cannot_run_costs_no_weights(self):
        config = json.loads(self.hub.repositories[NAME]["config.json"])
        config["model_type"], config["architectures"] = "mamba", ["MambaForCausalLM"]
        self.hub.repositories[NAME]["config.json"] = json.dumps(config).encode()
        self.refuses_pull(f"hf:{NAME}", naming="mamba")
        self.assertEqual(self.hub.paths(".safetensors"), [])

    def test_a_gguf_is_looked_into_first(self):
        content = tiny_model("gguf").read_bytes()
        self.hub.repositories["owner/tiny-GGUF"] = {"tiny.gguf": content.replace(b"llama", b"mamba", 1)}
        self.refuses_pull("hf:owner/tiny-GGUF", naming='architecture "mamba" is not supported')
        self.assertEqual([headers.get("Range") for path, headers in self.hub.asked if path.endswith(".gguf")], ["bytes=0-1048575"])
        self.hub.repositories["owner/tiny-GGUF"] = {"tiny.gguf": content}
        self.assertRegex(self.pull("hf:owner/tiny-GGUF").stderr, r"1 file, [0-9.]+ MB to download, about [0-9.]+ MB of memory at \d+ tokens, up to")

    def test_a_quantization_is_chosen_among_ggufs(self):
        content = tiny_model("gguf").read_bytes()
        self.hub.repositories["owner/tiny-GGUF"] = {"tiny-Q8_0.gguf": content + b"\0", "tiny-Q4_0.gguf": content, "README.md": b"x"}
        self.assertIn("tiny-Q4_0.gguf", self.pull("hf:owner/tiny-GGUF:q4_0").stdout)
        self.answer("hf:owner/tiny-GGUF:Q4_0")
        self.answer("hf:owner/tiny-GGUF/tiny-Q4_0.gguf")
        self.refuses("generate", "-m", "hf:owner/tiny-GGUF:Q8_0", "-p", "x", code=FAILED, naming="models pull hf:owner/tiny-GGUF:Q8_0",
                     environment=self.environment)
        self.refuses_pull("hf:owner/tiny-GGUF:Q2_K", naming=("Q2_K", "tiny-Q4_0.gguf, tiny-Q8_0.gguf"))
        self.assertEqual(self.hub.paths("README"), [])

    def test_names_that_are_none_are_refused(self):
        for name in ("hf:noslash", "hf:../..", "hf:a/../b.gguf", "hf:a/b@../c", "hf:a\\b/c"):
            self.refuses_pull(name, naming="hf:owner/name")
        self.assertEqual(self.hub.asked, [])


class BadDays(HubTest):
    def weights(self):
        return self.hub.repositories[NAME]["model.safetensors"]

    def part(self):
        return self.repository() / "blobs" / (hashlib.sha256(self.weights()).hexdigest() + ".incomplete")

    def test_a_broken_connection_is_gone_on_with(self):
        self.hub.cuts = 2
        self.pull(f"hf:{NAME}")
        ranges = [headers.get("Range") for path, headers in self.hub.asked if path.endswith("model.safetensors")]
        half = len(self.weights()) // 2
        self.assertEqual(ranges, [None, f"bytes={half}-", f"bytes={half + (len(self.weights()) - half) // 2}-"])
        self.assert_nothing_in_the_making()
        self.answer(f"hf:{NAME}")

    def test_a_part_of_an_earlier_pull_is_used(self):
        self.part().parent.mkdir(parents=True)
        self.part().write_bytes(self.weights()[:1000])
        self.assertRegex(self.pull(f"hf:{NAME}").stderr, r"[0-9.]+ MB to download of [0-9.]+ MB, about")
        ranges = [headers.get("Range") for path, headers in self.hub.asked if path.endswith("model.safetensors")]
        self.assertEqual(ranges, ["bytes=1000-"])
        self.answer(f"hf:{NAME}")

    def test_a_hub_without_ranges_sends_everything_again(self):
        self.hub.ignores_range, self.hub.cuts = True, 1
        self.pull(f"hf:{NAME}")
        self.assertEqual(len(self.hub.paths("model.safetensors")), 2)
        self.answer(f"hf:{NAME}")

    def test_a_false_digest_leaves_nothing(self):
        self.hub.false_digests, self.hub.before_large = True, self.wait_for_the_other_files
        wrong, right = self.hub.digest("", self.weights()), hashlib.sha256(self.weights()).hexdigest()
        self.refuses_pull(f"hf:{NAME}", naming=("model.safetensors", wrong, right))
        self.assertEqual(len(self.hub.paths("model.safetensors")), 1)
        self.assert_nothing_in_the_making()
        self.refuses("generate", "-m", f"hf:{NAME}", "-p", "x", code=FAILED, naming="models pull", environment=self.environment)

    def test_a_damaged_part_is_noticed(self):
        self.part().parent.mkdir(parents=True)
        self.part().write_bytes(b"?" * 1000)
        self.hub.before_large = self.wait_for_the_other_files
        self.refuses_pull(f"hf:{NAME}", naming=hashlib.sha256(self.weights()).hexdigest())
        self.assert_nothing_in_the_making()
        self.pull(f"hf:{NAME}")

    def test_names_of_the_hub_never_leave_the_folder(self):
        self.hub.repositories[NAME]["../../../escaped.json"] = b"{}"
        self.refuses_pull(f"hf:{NAME}", naming="escaped.json")
        self.assertEqual(list(self.folder.rglob("escaped*")), [])

    def test_what_is_not_there_is_said(self):
        self.refuses_pull("hf:owner/none", naming=("owner/none", "no such model"))
        self.refuses_pull(f"hf:{NAME}@v9", naming=("v9", "no such model, revision"))
        self.hub.repositories["owner/other"] = {"README.md": b"x"}
        self.refuses_pull("hf:owner/other", naming="no model that this build reads")
        self.assertEqual(len(self.hub.asked), 3)  # nothing is tried again

    def test_a_full_disk_is_noticed_before(self):
        self.hub.sizes["model.safetensors"] = 1 << 49
        self.refuses_pull(f"hf:{NAME}", naming=("too little space on the disk", "HF_HUB_CACHE"))
        self.assertEqual(self.hub.paths("model.safetensors"), [])

    def test_a_false_size_is_refused(self):
        self.hub.sizes["model.safetensors"] = len(self.weights()) + 1
        self.refuses_pull(f"hf:{NAME}", naming=("model.safetensors", f"expected {len(self.weights()) + 1}"))
        self.assertEqual(len(self.hub.paths("model.safetensors")), 1)

    def test_a_cache_that_cannot_be_made_is_named(self):
        self.cache.write_text("a file")
        self.refuses_pull(f"hf:{NAME}", naming=str(self.cache))
        self.assertEqual(self.hub.paths("model.safetensors"), [])

    def test_a_gated_model_says_what_to_do(self):
        self.hub.token = "secret"
        self.refuses_pull(f"hf:{NAME}", code=USAGE, naming=("401", "set HF_TOKEN", f"{self.hub.url}/{NAME}"))
        self.environment["HF_TOKEN"] = "wrong"
        message = self.refuses_pull(f"hf:{NAME}", code=USAGE, naming="HF_TOKEN was sent")
        self.assertNotIn("wrong", message)
        self.assertEqual(len(self.hub.asked), 2)
        self.environment["HF_TOKEN"] = "secret"
        self.pull(f"hf:{NAME}")

    def test_the_token_file_is_used(self):
        self.hub.token = "secret"
        (self.folder / "token").write_text("secret\n")
        self.environment["HF_TOKEN_PATH"] = str(self.folder / "token")
        self.pull(f"hf:{NAME}")

    def test_the_token_never_reaches_another_place(self):
        self.hub.token = self.environment["HF_TOKEN"] = "secret"
        with Hub({NAME: tiny_model()}) as elsewhere:
            self.hub.elsewhere = elsewhere
            self.pull(f"hf:{NAME}")
            self.assertEqual(len(elsewhere.paths("model.safetensors")), 1)
            self.assertNotIn("secret", repr(elsewhere.asked))
            self.assertTrue(all(headers.get("Authorization") == "Bearer secret" for _, headers in self.hub.asked))

    def test_two_at_once_share_one_download(self):
        done = []
        threads = [threading.Thread(target=lambda: done.append(inferometer("models", "pull", f"hf:{NAME}", environment=self.environment)))
                   for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([one.returncode for one in done], [0, 0, 0], done)
        self.assertEqual(len(self.hub.paths("model.safetensors")), 1)
        self.assert_nothing_in_the_making()

    def test_ctrl_c_keeps_what_came(self):
        gate = threading.Event()
        self.hub.hold_at, self.hub.gate = len(self.weights()) // 2, gate
        self.addCleanup(gate.set)
        child = subprocess.Popen([PROGRAM, "models", "pull", f"hf:{NAME}"], env={**os.environ, **self.environment}, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, encoding="utf-8")
        self.hub.held.wait(timeout=60)
        while not self.part().exists() or self.part().stat().st_size < self.hub.hold_at:
            self.assertIsNone(child.poll())
        child.send_signal(signal.SIGINT)
        _, error = child.communicate(timeout=60)
        self.assertEqual(child.returncode, INTERRUPTED, error)
        self.assertIn("what has come is kept", error)
        gate.set()
        self.hub.hold_at = None
        self.pull(f"hf:{NAME}")
        self.assertEqual([headers.get("Range") for path, headers in self.hub.asked if path.endswith("model.safetensors")],
                         [None, f"bytes={len(self.weights()) // 2}-"])


class OtherPrograms(HubTest):
    """Models that LM Studio, llama.cpp or Ollama keep are found and not downloaded."""

    def setUp(self):
        super().setUp()
        self.gguf = tiny_model("gguf").read_bytes()
        self.hub.repositories = {}

    def found(self, model, keeper):
        self.answer(model)
        listed = json.loads(self.succeeds("models", "list", "--json", environment=self.environment).stdout)
        self.assertEqual([one["about"] for one in listed if one["here"]], [f"in the cache of {keeper}"])
        if model.startswith("hf:"):
            self.assertIn(f"in the cache of {keeper}", self.pull(model).stderr)
        self.answer(next(one["model"] for one in listed if one["here"]))
        self.assertEqual(self.hub.asked, [])

    def put(self, place, content):
        (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / place).write_bytes(content)

    def test_lm_studio(self):
        self.put(".lmstudio/models/owner/tiny-GGUF/tiny-Q4_0.gguf", self.gguf)
        self.found("hf:owner/tiny-GGUF:Q4_0", "LM Studio")

    def test_llama_cpp(self):
        self.put(".cache/llama.cpp/owner_tiny-GGUF_tiny-Q4_0.gguf", self.gguf)
        self.found("hf:owner/tiny-GGUF", "llama.cpp")

    def test_ollama(self):
        digest = hashlib.sha256(self.gguf).hexdigest()
        self.put(f".ollama/models/blobs/sha256-{digest}", self.gguf)
        layers = [{"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": len(self.gguf)}]
        self.put(".ollama/models/manifests/registry.ollama.ai/library/tiny/1b", json.dumps({"schemaVersion": 2, "layers": layers}).encode())
        self.found("ollama:tiny:1b", "Ollama")
        self.refuses("generate", "-m", "ollama:tiny:2b", "-p", "x", code=FAILED, naming="ollama list", environment=self.environment)

    def test_half_of_a_model_is_none(self):
        self.put("hub/models--owner--tiny/snapshots/" + COMMIT + "/config.json", b"{}")
        self.put("hub/models--owner--tiny/refs/main", COMMIT.encode())
        self.refuses("generate", "-m", "hf:owner/tiny", "-p", "x", code=FAILED, naming="models pull hf:owner/tiny", environment=self.environment)


if __name__ == "__main__":
    main()
