#!/usr/bin/env bash
# Shows on this machine that `compare` can be trusted as a gate, on the real embedded engine and SmolLM2: builds whose decode products
# are made 3 % and 5 % slower by a test-only switch are compared with the same build without it, and the build with itself.
# usage: tests/gate/run.sh [--a-a N] [--slow5 N] [--slow3 N] [--turns N]     (defaults: 59, 10, 3, 28; some four hours on two cores)
# What was found is kept in build/gate/log.jsonl and counts: a call that was ended is gone on with by the next. Remove the file to begin anew.
# --turns: of each process of a pair where something is to be found (32 pairs for 5 %, 64 for 3 %); equal builds get 10 pairs of 3 turns.
# Exit code 1 when a comparison of the build with itself gave a verdict other than equivalent or inconclusive, or a slower build was not
# found and named in the cell that decodes.
set -Eeuo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
source "$repository/tools/setup.sh"
a_a=59 slow5=10 slow3=3 turns=28
while [ $# -gt 0 ]; do
  case "$1" in
    --a-a) a_a=$2 ;;
    --slow5) slow5=$2 ;;
    --slow3) slow3=$2 ;;
    --turns) turns=$2 ;;
    *) sed -n '2,9p' "$0"; exit 2 ;;
  esac
  shift 2
done

program_slowed_by() {  # PERCENT: prints the program
  local build="$repository/build/gate/slow$1"
  cmake -S "$repository" --preset release -B "$build" -DIFM_TESTS=OFF -DIFM_SLOW_DECODE="$1" -DCMAKE_DISABLE_FIND_PACKAGE_MLX=ON \
    -DCMAKE_DISABLE_FIND_PACKAGE_llama=ON >&2
  nice cmake --build "$build" --target inferometer --parallel "$(build_jobs)" >&2
  printf '%s\n' "$build/bin/inferometer"
}

exec python3 "$repository/tests/gate/gate.py" --plain "$(program_slowed_by 0)" --slow3 "$(program_slowed_by 3)" \
  --slow5 "$(program_slowed_by 5)" --a-a "$a_a" --times3 "$slow3" --times5 "$slow5" --turns "$turns" \
  --log "$repository/build/gate/log.jsonl" --plan "$repository/tests/gate/gate.yaml"
