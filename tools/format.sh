#!/usr/bin/env bash
# Formats every C++ file of the repository, or, with --check, only says which ones differ (exit 1).
# usage: tools/format.sh [--check] [FILE…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=14.0.6
formatter=build/venv/bin/clang-format
[ -x "$formatter" ] || formatter=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$formatter" ] || ! "$formatter" --version | grep -q "version $version"; then
  echo "format.sh: clang-format $version is not here (expected in build/venv, where ./test.sh puts it)" >&2
  exit 1
fi

mode=(-i)
if [ "${1:-}" = --check ]; then
  mode=(--dry-run -Werror)
  shift
fi
if [ $# -gt 0 ]; then
  files=("$@")
else
  files=()  # macOS's bash has no mapfile
  while IFS= read -r file; do files+=("$file"); done < <(find inferometer tests bench \( -name '*.cpp' -o -name '*.h' \) | sort)
fi
exec "$formatter" "${mode[@]}" "${files[@]}"
