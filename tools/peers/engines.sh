#!/usr/bin/env bash
# The engines beside the programs that they come from: agreement, counts of tokens, speed. Needs ./quickstart.sh --with
# mlx,llama.cpp,servers and the packages that tools/peers/run.sh installs; some 50 minutes on 2 cores, which should be quiet.
# usage: tools/peers/engines.sh [PATH OF inferometer]
set -Eeuo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/common.sh"
inferometer=${1:-$repository/build/release/bin/inferometer}
python=$(peers_python)
out="$repository/build/peers"
mkdir -p "$out"
status=0
"$python" "$here/engines_agree.py" --program "$inferometer" --gguf "$gguf" --mlx "$folder" --json "$out/agree.json" || status=1
"$python" "$here/server_counts.py" --program "$inferometer" || status=1
"$python" "$here/engines_speed.py" --program "$inferometer" --gguf "$gguf" --mlx "$folder" \
  --llama-bench "$("$here/llama_bench.sh")" --json "$out/speed.json" || status=1
exit $status
