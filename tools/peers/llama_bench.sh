#!/usr/bin/env bash
# Builds llama-bench from the source that the engine llama_cpp was built from, to run on the engine's own library; prints its path.
# usage: tools/peers/llama_bench.sh    (some minutes and 77 MB the first time; needs ./quickstart.sh --with llama.cpp before)
set -Eeuo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"

work="$repository/build/peers/llama-bench"
program="$work/run"
if [ ! -x "$program" ] || [ "$(cat "$work/built-from" 2>/dev/null)" != "$llama_cpp_package" ]; then
  rm -rf "$work"
  mkdir -p "$work/source"
  python3 -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$work" "$llama_cpp_package" >&2
  tar -xzf "$work"/llama_cpp_python-*.tar.gz -C "$work/source" --strip-components=1 --no-same-owner
  cmake -S "$work/source/vendor/llama.cpp" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=OFF \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_TOOLS=ON -DLLAMA_CURL=OFF \
    -DLLAMA_OPENSSL=OFF >&2
  nice cmake --build "$work/build" --target llama-bench --parallel "$(build_jobs)" >&2
  # The engine's library stands before the one that was built along the way.
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/lib exec %s/build/bin/llama-bench "$@"\n' "$llama_cpp_prefix" "$work" >"$program"
  chmod +x "$program"
  printf '%s\n' "$llama_cpp_package" >"$work/built-from"
fi
printf '%s\n' "$program"
