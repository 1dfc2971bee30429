#!/usr/bin/env bash
# Fuzzes parsers of untrusted bytes with libFuzzer, ASan and UBSan (clang), and says what that came to.
# usage: tests/fuzz/run.sh TARGET SECONDS [--record FILE]     (TARGET: a name of tests/fuzz/fuzz_NAME.cpp, or all, one after the other)
# --record: a file that adds up what several calls did: tests/fuzz/record.json is the campaign's, whose table stands in docs/faults.md.
# Inputs that reach more stay in build/fuzz/grown (python3 tests/fuzz/keep.py TARGET --build build/fuzz keeps them for the next campaign and the
# ordinary tests); findings in build/fuzz/findings (exit code 1): move each to tests/fuzz/found/TARGET/.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ $# -lt 2 ]; then
  sed -n '2,6p' "${BASH_SOURCE[0]}"
  exit 2
fi
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target $(for file in tests/fuzz/fuzz_*.cpp; do basename "$file" .cpp; done | grep -v fuzz_input) >&2
program=build/release/bin/inferometer  # writes the seeds
if [ ! -x "$program" ]; then
  cmake --build --preset fuzz --target inferometer >&2
  program=build/fuzz/bin/inferometer
fi
IFM_SOURCE_DIR=$PWD INFEROMETER=$program python3 tests/fuzz/make_corpus.py build/fuzz/corpus >/dev/null
exec python3 tests/fuzz/campaign.py "$@" --build build/fuzz
