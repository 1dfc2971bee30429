#!/usr/bin/env bash
# From a bare machine to the results of the study. See --help.
set -Eeuo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools/setup.sh"

plan=plans/edge-study.yaml
out=results
again=no
with=

usage() {
  cat <<'HELP'
usage: ./quickstart.sh [--again] [--out DIR] [--with ENGINES]

Installs what is missing (apt on Debian and Ubuntu, Homebrew on macOS), builds Inferometer, gets the default model, runs the study
plans/edge-study.yaml (54 runs) and prints its summary. Safe to repeat: what is done is not done again.

  --again     run the study again although this build has finished it
  --out DIR   where results go (default: results)
  --with mlx,llama.cpp,servers
              get these engines, build with them, and run plans/engines.yaml when all three are there: MLX and llama.cpp in the program
              itself, and mlx-lm's and llama.cpp's servers (Python packages in build/engines)

Example:
  ./quickstart.sh --again --out /tmp/results
  ./quickstart.sh --with mlx,llama.cpp,servers --out results-engines
HELP
}

while [ $# -gt 0 ]; do
  case "$1" in
    --again) again=yes ;;
    --out) [ $# -ge 2 ] || { usage >&2; exit 2; }; out=$2; shift ;;
    --with) [ $# -ge 2 ] || { usage >&2; exit 2; }; with=$2; shift ;;
    -h | --help) usage; exit 0 ;;
    *) printf 'quickstart.sh: %s: not expected; see ./quickstart.sh --help\n' "$1" >&2; exit 2 ;;
  esac
  shift
done

cd "$repository"
say "checking what is installed"
install_packages
for engine in ${with//,/ }; do
  case "$engine" in
    mlx) say "engine: MLX (63 MB, once)"; install_mlx ;;
    llama.cpp) say "engine: llama.cpp (77 MB of source, once; it is compiled: some minutes)"; install_llama_cpp ;;
    servers) say "engines: mlx-lm's and llama.cpp's servers (some 200 MB, once)"; install_servers ;;
    *) printf 'quickstart.sh: --with %s: not known (expected mlx, llama.cpp or servers)\n' "$engine" >&2; exit 2 ;;
  esac
done
say "building"
configure
build_target inferometer
pull_model
if [ -n "$with" ]; then
  "$inferometer" models pull smollm2-135m-gguf
  "$inferometer" engines
fi
case "$with" in *mlx*llama.cpp*servers*) plan=plans/engines.yaml ;; esac

state=$(python3 tools/session_state.py "$out" "$plan" "$("$inferometer" --version | awk '$1 == "commit" {print $2}')")
if [ "$state" = finished ] && [ $again = no ]; then
  say "this build has finished $plan already; its results are in $out (run it again: ./quickstart.sh --again)"
elif [ "$state" = unfinished ] && [ $again = no ]; then
  say "going on with the unfinished $plan"
  "$inferometer" run "$plan" --out "$out" --resume
else
  say "running $plan"
  "$inferometer" run "$plan" --out "$out"
fi
say "tables and figures"
"$inferometer" analyze --out "$out"
"$inferometer" report --out "$out"
say "summary"
"$inferometer" summary --out "$out"
say "figures:"
ls "$out"/figures/*.png
say "the study as a page: $out/report.html"
say "results: $out/RESULTS.md, $out/REPRODUCIBILITY.md, $out/analysis/, $out/raw_results/, $out/inferometer.db"
