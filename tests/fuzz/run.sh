#!/usr/bin/env bash
# tests/fuzz/run.sh TARGET SECONDS: fuzzes one parser with libFuzzer, ASan and UBSan (clang); findings stay in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${1:?usage: tests/fuzz/run.sh TARGET SECONDS (targets: safetensors gguf config tokenizer template plan sse)}
seconds=${2:?usage: tests/fuzz/run.sh TARGET SECONDS}
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "fuzz_$target" inferometer
corpus=build/fuzz/corpus
IFM_SOURCE_DIR=$PWD INFEROMETER=build/fuzz/bin/inferometer python3 tests/fuzz/make_corpus.py "$corpus"
mkdir -p "build/fuzz/findings" "build/fuzz/grown/$target"
exec "build/fuzz/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=1 -rss_limit_mb=512 -artifact_prefix="build/fuzz/findings/$target-" \
  "build/fuzz/grown/$target" "$corpus/$target"
