#!/usr/bin/env bash
# Makes llama_bench.json and llama_bench.md: one run of the real llama-bench (llama.cpp of llama-cpp-python 0.3.36, build 0c1e570), which wrote
# the JSON to its standard output and the table that it prints to its standard error.
# usage: tests/golden/import/make.sh MODEL.gguf    (2026-11-30: SmolLM2-135M-Instruct.Q4_1.gguf of `inferometer models pull smollm2-135m-gguf`)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
llama_bench=$("$here/../../../tools/peers/llama_bench.sh")
cd "$(dirname "$1")"
"$llama_bench" -m "$(basename "$1")" -p 16,64 -n 8 -pg 16,4 -d 0,32 -r 3 -t 2 -o json -oe md >"$here/llama_bench.json" 2>"$here/llama_bench.md"
