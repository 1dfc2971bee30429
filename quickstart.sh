#!/usr/bin/env bash
# From a bare machine to the results of the study. See --help.
set -Eeuo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools/setup.sh"

plan=plans/edge-study.yaml
out=results
again=no

usage() {
  cat <<'HELP'
usage: ./quickstart.sh [--again] [--out DIR]

Installs what is missing (apt on Debian and Ubuntu, Homebrew on macOS), builds Inferometer, gets the default model, runs the study
plans/edge-study.yaml (54 runs) and prints its summary. Safe to repeat: what is done is not done again.

  --again     run the study again although this build has finished it
  --out DIR   where results go (default: results)

Example:
  ./quickstart.sh --again --out /tmp/results
HELP
}

while [ $# -gt 0 ]; do
  case "$1" in
    --again) again=yes ;;
    --out) [ $# -ge 2 ] || { usage >&2; exit 2; }; out=$2; shift ;;
    -h | --help) usage; exit 0 ;;
    *) printf 'quickstart.sh: %s: not expected; see ./quickstart.sh --help\n' "$1" >&2; exit 2 ;;
  esac
  shift
done

cd "$repository"
say "checking what is installed"
install_packages
say "building"
configure
build_target inferometer
pull_model

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
say "summary"
"$inferometer" summary --out "$out"
say "figures:"
ls "$out"/figures/*.png
say "results: $out/RESULTS.md, $out/REPRODUCIBILITY.md, $out/analysis/, $out/raw_results/, $out/inferometer.db"
