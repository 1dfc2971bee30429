"""Servers as engines, through the whole program: a plan's runs, TLS, counts that are wrong, a server of our own, chat."""
import http.server
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import unittest

from harness import PROGRAM, CliTest, inferometer, main, stored, tiny_model

WORDS = ["one ", "two ", "three ", "four ", "five ", "six ", "seven ", "eight "]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every question with as many words as were asked for; the server object says what it does wrong."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = json.dumps({"data": [{"id": "words", "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        if len(self.server.asked) == self.server.fails_at:
            return self.send_error(503, "too busy")
        count = min(asked["max_tokens"], self.server.ends_after or asked["max_tokens"])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(count):
            time.sleep(0.002)
            if len(self.server.asked) == self.server.dies_at and i == 2:
                print("going away", flush=True)
                os._exit(3)
            self.event({"model": "words", "choices": [{"delta": {"content": WORDS[i % len(WORDS)]}, "finish_reason": None}]})
        reason = "length" if count == asked["max_tokens"] else "stop"
        self.event({"model": "words", "choices": [{"delta": {}, "finish_reason": reason}]})
        told = self.server.usage if self.server.usage is not None else count
        self.event({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": told}})
        self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    def event(self, message):
        self.chunk(b"data: " + json.dumps(message).encode() + b"\n\n")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


class Server:
    def __init__(self, usage=None, ends_after=None, context=None, fails_at=0):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.usage, self.http.ends_after, self.http.asked, self.http.fails_at = usage, ends_after, [], fails_at
        self.http.dies_at = 0
        if context:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    @property
    def asked(self):
        return self.http.asked


class Servers(CliTest):
    def run_plan(self, engines, model="words", lengths="[4, 8]", code=0):
        plan = self.folder / "plan.yaml"
        plan.write_text("version: 1\nname: servers\nengines:\n" + engines + f"models: [{json.dumps(str(model))}]\n"
                        f"prompts: [{{id: a, text: hello}}]\nmax_tokens: {lengths}\ntemperature: [0.5]\nrepeats: 2\n"
                        "timeouts: {connect_s: 2, first_token_s: 5, gap_s: 5}\n")
        done = inferometer("run", plan, "--out", self.folder / "out")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def runs(self, columns):
        return stored(self.folder / "out/inferometer.db", f"select {columns} from run where kind = 'measured'")

    def test_a_plan_measures_a_server_beside_the_embedded_engine(self):
        with Server() as server:
            self.run_plan(f"  - embedded\n  - openai: {{name: words, url: '{server.url}'}}\n", tiny_model())
            self.assertEqual({a["temperature"] for a in server.asked}, {0.5})
            self.assertTrue(all(a["stream"] for a in server.asked))
        rows = self.runs("engine, status, max_tokens, output_tokens, count_source, flags, ttft_s, decode_tok_per_s, e2e_s")
        self.assertEqual(len(rows), 8)
        for engine, status, asked, tokens, source, flags, ttft, decode, e2e in rows:
            self.assertEqual((status, tokens, flags), ("ok", asked, "[]"))
            self.assertEqual(source, "usage" if engine == "words" else "engine")
            self.assertGreater(ttft, 0)
            self.assertGreater(decode, 0)
            if engine == "words":
                self.assertGreater(e2e, 0.002 * tokens, "a token every 2 ms")
        self.assertTrue(inferometer("analyze", "--out", self.folder / "out").returncode == 0)

    def test_fault_84_a_wrong_usage_is_found_and_has_no_rate(self):
        with Server(usage=77) as server:
            self.run_plan(f"  - openai: {{url: '{server.url}'}}\n", tiny_model(), lengths="[100]")
        for flags, decode, status in self.runs("flags, decode_tok_per_s, status"):
            self.assertIn("count_disputed", flags)
            self.assertIsNone(decode)
            self.assertEqual(status, "ok")

    def test_fault_86_an_eos_that_was_not_ignored_is_found_and_its_latency_not_compared(self):
        with Server(ends_after=3) as server:
            self.run_plan(f"  - openai: {{url: '{server.url}'}}\n", lengths="[8]")
        for flags, e2e, decode in self.runs("flags, e2e_s, decode_tok_per_s"):
            self.assertIn("eos_not_ignored", flags)
            self.assertIsNone(e2e)
            self.assertIsNotNone(decode)

    def test_a_server_that_is_not_there_is_said_before_the_first_run(self):
        with Server() as server:
            url = server.url
        done = self.run_plan(f"  - embedded\n  - openai: {{name: gone, url: '{url}'}}\n", tiny_model(), code=1)
        self.assertIn("engine gone: ", done.stderr)
        self.assertFalse((self.folder / "out").exists())

    def managed(self, script):
        return f"  - openai: {{name: own, command: [{json.dumps(sys.executable)}, {json.dumps(str(script))}, '{{port}}']}}\n"

    def server_script(self, starts_after=0, dies_at=0):
        script = self.folder / "server.py"
        script.write_text(f"import sys, time\nsys.path[:0] = [{str(pathlib.Path(__file__).parent)!r}]\nimport test_servers\n"
                          f"import http.server, time\nprint('ready soon', flush=True)\ntime.sleep({starts_after})\nserver = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), test_servers.Handler)\n"
                          f"server.usage = server.ends_after = None\nserver.fails_at = 0\nserver.dies_at = {dies_at}\nserver.asked = []\nserver.serve_forever()\n")
        return script

    def alive(self, script):
        return subprocess.run(["pgrep", "-f", str(script)], capture_output=True, text=True, check=False).stdout.split()

    def test_a_server_of_our_own_is_started_and_ended_and_its_words_kept(self):
        script = self.server_script()
        self.run_plan(self.managed(script))
        self.assertEqual({row[0] for row in self.runs("status")}, {"ok"})
        self.assertEqual(self.alive(script), [], "no server is left behind")
        self.assertEqual((self.folder / "out/servers/own.log").read_text(), "ready soon\n")
        with sqlite3.connect(self.folder / "out/inferometer.db") as database:
            [(version,)] = database.execute("select engine_version from session_model")
        self.assertIn("BaseHTTP/", version)

    def test_a_server_of_our_own_may_start_slowly(self):
        self.run_plan(self.managed(self.server_script(starts_after=1.5)))
        self.assertEqual({row[0] for row in self.runs("status")}, {"ok"})

    def test_fault_91_a_server_of_our_own_that_dies_fails_that_run_with_its_last_words_and_is_started_again(self):
        # Of each process the first request is the warm-up.
        self.run_plan(self.managed(self.server_script(dies_at=3)))
        rows = self.runs("status, error_kind, error_message")
        failed = [row for row in rows if row[0] == "failed"]
        self.assertEqual((len(rows), len(failed)), (4, 2))
        for _, kind, message in failed:
            self.assertEqual(kind, "engine")
            self.assertIn("ended while it answered: going away", message)

    def test_fault_99_our_server_ends_with_us_even_when_we_are_killed(self):
        script = self.server_script()
        plan = self.folder / "plan.yaml"
        plan.write_text("version: 1\nname: long\nengines:\n" + self.managed(script) + "models: [words]\nprompts: [{id: a, text: hello}]\n"
                        "max_tokens: [500]\ntemperature: [0.5]\nrepeats: 100\n")
        running = subprocess.Popen([PROGRAM, "run", str(plan), "--out", str(self.folder / "out")], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self.alive(script) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(self.alive(script))
        running.kill()
        running.wait()
        while self.alive(script) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(self.alive(script), [], "the guard ends it")

    @unittest.skipUnless(shutil.which("openssl"), "needs openssl to make a certificate")
    def test_tls_with_its_own_certificate(self):
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with Server(context=context) as server:
            asked = ("generate", "-m", "words", "--url", server.url, "-p", "hi", "-n", 4)
            self.refuses(*asked, code=1, naming="certificate")
            done = inferometer(*asked, "--cacert", certificate)
            self.assertEqual((done.returncode, done.stdout), (0, "one two three four \n"), done.stderr)

    def test_generate_prints_what_a_server_says(self):
        with Server() as server:
            answer = self.json_of("generate", "-m", "words", "--url", server.url, "-p", "hi", "-n", 4, "--json", schema_name="generate")
        self.assertEqual(answer["text"], "one two three four ")
        self.assertEqual((answer["output_tokens"], answer["finish_reason"], answer["engine"]), (4, "length", "openai"))


class Chat(CliTest):
    def test_a_conversation_holds_what_was_said(self):
        with Server() as server:
            done = inferometer("chat", "-m", "words", "--url", server.url, "-n", 2, stdin="hello\n\n/stats\nagain\n/reset\nnew\n/exit\nno\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            said = [[m["content"] for m in a["messages"]] for a in server.asked]
        self.assertEqual(said, [["hello"], ["hello", "one two ", "again"], ["new"]])
        self.assertIn("5 tokens in, 2 out", done.stderr)
        self.assertEqual(done.stdout, "one two \n" * 3)

    def test_an_unknown_command_is_explained_and_a_failing_server_survived(self):
        with Server(fails_at=2) as server:
            done = inferometer("chat", "-m", "words", "--url", server.url, "-n", 1, stdin="hi\n/nonsense\nfails\nagain\n")
            last = [m["content"] for m in server.asked[-1]["messages"]]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("/nonsense: unknown", done.stderr)
        self.assertIn("HTTP status 503", done.stderr)
        self.assertEqual(last, ["hi", "one ", "again"], "what failed is taken back")

    def test_an_interrupt_ends_the_answer_and_not_the_program(self):
        chat = subprocess.Popen([PROGRAM, "chat", "-m", str(tiny_model()), "-n", "1500", "--temp", "0.9"], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        chat.stdin.write(b"talk\n")
        chat.stdin.flush()
        chat.stdout.read(1)
        chat.send_signal(signal.SIGINT)
        _, error = chat.communicate(b"/stats\n", timeout=60)
        self.assertEqual(chat.returncode, 0, error)
        self.assertIn(b"messages | ", error)


if __name__ == "__main__":
    main()
