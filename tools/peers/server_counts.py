#!/usr/bin/env python3
"""200 requests to each of mlx-lm's and llama.cpp's servers, through a plan: our count of tokens beside what the server says.

  server_counts.py --program build/release/bin/inferometer [--servers build/engines/servers] [--out DIR]

Exit code 1 when a request failed, a count is disputed, or one was not counted by the server. Needs ./quickstart.sh --with servers.
"""
import argparse
import collections
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

REPOSITORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PROMPTS = ["What is the capital of France?", "Write one line of Python that prints the date.", "Count from one to ten.",
           "Translate 'good morning' into German, French and Spanish.", "Why is the sky blue?", "Give me three emoji for rain.",
           "List the planets.", "What is 17 * 23?", "Explain TCP in one sentence.", "Say 'naïve café' backwards."]


def plan_of(servers):
    prompts = "\n".join(f"  - {{id: p{i}, text: {json.dumps(text, ensure_ascii=False)}}}" for i, text in enumerate(PROMPTS))
    return f"""version: 1
name: server-counts
engines:
  - openai:
      name: mlx-lm
      command: [{servers}/bin/mlx_lm.server, --model, "{{model}}", --host, 127.0.0.1, --port, "{{port}}", --prompt-cache-size, "0"]
  - openai:
      name: llama.cpp
      files: smollm2-135m-gguf
      command: [{servers}/bin/python, {REPOSITORY}/tools/llama_server.py, --model, "{{model}}", --port, "{{port}}"]
models: [smollm2-135m]
prompts:
{prompts}
max_tokens: [3, 12]
temperature: [0.0, 0.8]
repeats: 5
timeouts: {{connect_s: 5, first_token_s: 120, gap_s: 60}}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--servers", default=os.path.join(REPOSITORY, "build/engines/servers"))
    parser.add_argument("--out", help="keep the results here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = args.out or os.path.join(scratch, "out")
        plan = os.path.join(scratch, "plan.yaml")
        with open(plan, "w", encoding="utf-8") as file:
            file.write(plan_of(os.path.abspath(args.servers)))
        subprocess.run([args.program, "run", plan, "--out", out], check=True)
        with sqlite3.connect(os.path.join(out, "inferometer.db")) as database:
            rows = list(database.execute("select engine, status, error_message, flags, count_source, output_tokens, length(output_ids) / 4,"
                                         " finish_reason, temperature from run where kind = 'measured'"))
            versions = dict(database.execute("select engine, engine_version from session_model"))
    wrong = 0
    for engine in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == engine]
        bad = [row for row in mine if row[1] != "ok" or "count_disputed" in row[3] or row[4] != "usage"]
        wrong += len(bad)
        # What the server counts and the text does not show: the token that ended the answer.
        difference = collections.Counter((row[7], row[5] - row[6]) for row in mine if row[1] == "ok")
        print(f"{engine} ({versions.get(engine)}): {len(mine)} requests, {sum(row[5] or 0 for row in mine)} tokens, {len(bad)} wrong")
        for (reason, by), count in sorted(difference.items()):
            print(f"  ended by {reason}: the server counts {by:+} to the tokens of the text in {count}")
        for row in bad[:5]:
            print("  ", row)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
