"""How generate behaves as a program: streams, pipes, terminals, signals; and that its answer is a function of what was asked."""
import json
import os
import pty
import select
import signal
import subprocess
import time

from harness import PROGRAM, CliTest, inferometer, main, tiny_model


class Answers(CliTest):
    def ids(self, *arguments, **keywords):
        return self.json_of("generate", "-m", tiny_model(), "--json", *arguments, schema_name="generate", **keywords)["output_ids"]

    def test_the_same_seed_gives_the_same_ids_on_any_number_of_threads(self):
        asked = ("-p", "a story", "-n", 24, "--ignore-eos", "--temp", 0.8)
        once = self.ids(*asked, "--seed", 11, "-t", 1)
        self.assertEqual(once, self.ids(*asked, "--seed", 11, "-t", 2))
        self.assertNotEqual(once, self.ids(*asked, "--seed", 12, "-t", 1))

    def test_greedy_ignores_the_seed(self):
        self.assertEqual(self.ids("-p", "x", "-n", 8, "--seed", 1), self.ids("-p", "x", "-n", 8, "--seed", 2))

    def test_a_dash_reads_standard_input(self):
        self.assertEqual(self.ids("-p", "hello", "-n", 4), self.ids("-p", "-", "-n", 4, stdin="hello"))

    def test_raw_leaves_the_template_out(self):
        chat = self.json_of("generate", "-m", tiny_model(), "--json", "-p", "hi", "-n", 1, schema_name="generate")
        raw = self.json_of("generate", "-m", tiny_model(), "--json", "-p", "hi", "-n", 1, "--raw", schema_name="generate")
        self.assertLess(raw["prompt_tokens"], chat["prompt_tokens"])
        self.refuses("generate", "-m", tiny_model(), "-p", "hi", "--raw", "--system", "be brief", code=2, naming="--system")

    def test_fault_35_a_second_bos_is_left_out_and_said(self):
        bos = json.loads((tiny_model() / "tokenizer_config.json").read_text(encoding="utf-8"))["bos_token"]
        once, twice = (inferometer("generate", "-m", tiny_model(), "--raw", "-p", text, "-n", 4) for text in ("hello", bos + "hello"))
        self.assertEqual((once.returncode, twice.returncode, once.stdout), (0, 0, twice.stdout))
        self.assertNotIn("BOS", once.stderr)
        self.assertIn("two BOS tokens", twice.stderr)
        plan = self.folder / "plan.yaml"
        plan.write_text(f"version: 1\nname: bos\nmodels: [{tiny_model()}]\nprompts: [{{id: one, text: '{bos}hello', raw: true}}]\n"
                        "max_tokens: [4]\ntemperature: [0]\nrepeats: 2\n", encoding="utf-8")
        self.succeeds("run", plan, "--out", self.folder / "out")
        self.assertIn("double_bos", self.succeeds("summary", "--out", self.folder / "out").stdout)

    def test_a_stop_text_ends_the_answer(self):
        full = self.json_of("generate", "-m", tiny_model(), "--json", "-p", "hi", "-n", 24, "--ignore-eos", schema_name="generate")
        stop = full["text"][4:6]
        cut = self.json_of("generate", "-m", tiny_model(), "--json", "-p", "hi", "-n", 24, "--ignore-eos", "--stop", stop, schema_name="generate")
        self.assertEqual(cut["finish_reason"], "stop")
        self.assertLess(cut["output_tokens"], full["output_tokens"])

    def test_text_goes_to_standard_output_and_speed_to_standard_error(self):
        asked = ("generate", "-m", tiny_model(), "-p", "hi", "-n", 8, "--ignore-eos")
        done = self.succeeds(*asked)
        self.assertEqual(done.stdout.rstrip("\n"), self.json_of(*asked, "--json", schema_name="generate")["text"].rstrip("\n"))
        self.assertIn("first token after", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)


class Streams(CliTest):
    # Long enough to be interrupted at leisure; the simulated engine waits 5 ms between two tokens.
    ENDLESS = [PROGRAM, "generate", "--engine", "simulated", "-m", "anything", "-p", "hi", "-n", "100000", "--ignore-eos"]

    def test_a_reader_that_goes_away_ends_it_quietly(self):
        with subprocess.Popen(self.ENDLESS, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            self.assertTrue(child.stdout.read(1))
            child.stdout.close()
            self.assertEqual(child.wait(timeout=60), 0)
            self.assertNotIn(b"bug", child.stderr.read())

    def test_fault_69_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            for verb in (["engines"], ["generate", "-m", str(tiny_model()), "-p", "hi", "-n", "4"]):
                done = subprocess.run([PROGRAM, *verb], stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False, timeout=60)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("standard output: cannot be written", done.stderr)

    def test_fault_90_an_interrupt_ends_it_with_130(self):
        with subprocess.Popen(self.ENDLESS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as child:
            child.stdout.read(1)
            child.send_signal(signal.SIGINT)
            _, errors = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130)
        self.assertRegex(errors, r"^inferometer: generate: interrupted after \d+ tokens\n$")

    def terminal_output(self, arguments, term="xterm"):
        """What the program writes to a terminal."""
        try:
            master, slave = pty.openpty()
        except OSError as error:  # a bare chroot or container without devpts
            self.skipTest(f"this system gives out no terminals ({error})")
        with subprocess.Popen([PROGRAM, *arguments], stdout=slave, stderr=slave, stdin=subprocess.DEVNULL, env={**os.environ, "TERM": term}) as child:
            os.close(slave)
            out = b""
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and select.select([master], [], [], 60)[0]:
                try:
                    piece = os.read(master, 65536)
                except OSError:  # Linux: the other side is closed
                    break
                if not piece:
                    break
                out += piece
            self.assertEqual(child.wait(timeout=60), 0, out)
        os.close(master)
        return out

    def test_fault_70_a_models_control_characters_do_not_reach_the_terminal(self):
        # Random weights sooner or later say control characters: this seed and length were chosen because they do.
        asked = ["generate", "-m", str(tiny_model()), "-p", "hi", "-n", "256", "--ignore-eos", "--temp", "20", "--seed", "5"]
        text = inferometer(*asked).stdout
        harmful = {c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160}
        self.assertTrue(harmful, "the text holds control characters")
        shown = self.terminal_output(asked).decode("utf-8").replace("\r\n", "\n")  # the terminal itself adds the carriage return
        self.assertEqual({c for c in shown if c in harmful}, set())
        for character in harmful:
            self.assertIn(f"\\x{ord(character):02x}", shown)

    def test_progress_renews_one_line_on_a_terminal(self):
        shown = self.terminal_output(["bench", "-m", str(tiny_model()), "-p", "4", "-n", "0", "-r", "2"])
        self.assertIn(b"\r[====", shown)

    def test_progress_writes_whole_lines_where_a_line_cannot_be_drawn_again(self):
        shown = self.terminal_output(["bench", "-m", str(tiny_model()), "-p", "4", "-n", "0", "-r", "2"], term="dumb")
        self.assertNotIn(b"\x1b", shown)
        self.assertIn(b"100 %", shown)


if __name__ == "__main__":
    main()
