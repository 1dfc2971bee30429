#!/usr/bin/env bash
# Runs clang-tidy 14 over the sources that differ from a commit (default: origin/main or HEAD), or over all of them.
# usage: tools/tidy.sh [--all | COMMIT] [-p BUILD_FOLDER]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/release
base=$(git rev-parse -q --verify origin/main || git rev-parse HEAD)
all=no
while [ $# -gt 0 ]; do
  case "$1" in
    --all) all=yes ;;
    -p) build=$2; shift ;;
    *) base=$1 ;;
  esac
  shift
done

tidy=$(command -v clang-tidy-14 || command -v clang-tidy || true)
[ -n "$tidy" ] || { echo "tidy.sh: clang-tidy is not here (Debian: apt install clang-tidy-14)" >&2; exit 1; }
[ -e "$build/compile_commands.json" ] || { echo "tidy.sh: $build/compile_commands.json: not there (expected after cmake --preset release)" >&2; exit 1; }

if [ $all = yes ]; then
  mapfile -t files < <(git ls-files 'inferometer/*.cpp' 'tests/*.cpp')
else
  mapfile -t files < <({ git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } |
    grep -E '^(inferometer|tests)/.*\.cpp$' | sort -u)
fi
[ ${#files[@]} -gt 0 ] || { echo "tidy.sh: no source differs from ${base:0:12}"; exit 0; }
echo "tidy.sh: ${#files[@]} files"
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(getconf _NPROCESSORS_ONLN)" "$tidy" -p "$build" --quiet
