#!/usr/bin/env bash
# Our speed beside llama.cpp's on the twin of a model, alternated: both programs run once in every round, in AB/BA order.
set -Eeuo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/.." && pwd)

usage() {
  cat <<'HELP'
usage: bench/peers.sh --mlx FOLDER --gguf FILE [options]

  --mlx MODEL            what inferometer runs: an MLX folder, a .gguf or a name
  --gguf FILE            the twin that llama.cpp runs
  --llama-bench CMD      llama-bench, or a program with its flags and JSON (default: llama_bench.py on build/peers-venv)
  --inferometer CMD      (default: build/release/bin/inferometer)
  -p N, -n N             prompt and generated tokens (default: 512, 64)
  -t N                   threads of both (default: the physical cores)
  -r N                   repeats inside one process (default: 3)
  --rounds N             rounds, at least 6 (default: 8): each gives one ratio per test
  --out FOLDER           where the JSON of every round goes (default: build/bench-peers)

Prints, for each test, both medians and the median of the ratios (ours / theirs) with a 95 % interval from order statistics.
Example:
  inferometer models synth llama-3.2-1b -o /tmp/1b
  inferometer models synth llama-3.2-1b --format gguf --type q4_0 -o /tmp/1b.gguf
  bench/peers.sh --mlx /tmp/1b --gguf /tmp/1b.gguf
HELP
}

die() { printf 'peers.sh: %s\n' "$*" >&2; exit 2; }

physical_cores() {
  local cores
  cores=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
  if [ "${cores:-0}" -gt 0 ]; then echo "$cores"; else getconf _NPROCESSORS_ONLN; fi
}

mlx='' gguf='' prompt=512 generate=64 threads='' repeats=3 rounds=8
inferometer="$repository/build/release/bin/inferometer"
llama_bench="$repository/build/peers-venv/bin/python $repository/tools/peers/llama_bench.py"
out="$repository/build/bench-peers"
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --mlx | --gguf | --llama-bench | --inferometer | -p | -n | -t | -r | --rounds | --out)
      [ $# -ge 2 ] || die "$1: needs a value"
      case "$1" in
        --mlx) mlx=$2 ;;
        --gguf) gguf=$2 ;;
        --llama-bench) llama_bench=$2 ;;
        --inferometer) inferometer=$2 ;;
        -p) prompt=$2 ;;
        -n) generate=$2 ;;
        -t) threads=$2 ;;
        -r) repeats=$2 ;;
        --rounds) rounds=$2 ;;
        --out) out=$2 ;;
      esac
      shift 2 ;;
    *) die "$1: unknown option (see --help)" ;;
  esac
done
[ -n "$mlx" ] && [ -n "$gguf" ] || die "--mlx and --gguf are needed (see --help)"
[ "$rounds" -ge 6 ] || die "--rounds $rounds: too few for an interval (expected 6 or more)"
threads=${threads:-$(physical_cores)}
mkdir -p "$out"
rm -f "$out"/ours_*.json "$out"/theirs_*.json

ours() { $inferometer bench -m "$mlx" -p "$prompt" -n "$generate" -t "$threads" -r "$repeats" -o json >"$out/ours_$1.json"; }
theirs() { $llama_bench -m "$gguf" -p "$prompt" -n "$generate" -t "$threads" -r "$repeats" -o json >"$out/theirs_$1.json"; }

for ((round = 1; round <= rounds; ++round)); do
  printf 'round %d of %d\n' "$round" "$rounds" >&2
  if ((round % 2)); then ours "$round"; theirs "$round"; else theirs "$round"; ours "$round"; fi
done
python3 "$here/peers_ratio.py" "$out"
