#!/usr/bin/env bash
# The engines beside the programs that they come from: agreement, counts of tokens, speed. Needs ./quickstart.sh --with
# mlx,llama.cpp,servers and the packages that tools/peers/run.sh installs; some 25 minutes on 2 cores, which should be quiet.
# usage: tools/peers/engines.sh [PATH OF inferometer]
set -Eeuo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/peers_venv.sh"
inferometer=${1:-$repository/build/release/bin/inferometer}
python=$(peers_python)
models="${IFM_TEST_MODELS:-${INFEROMETER_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/inferometer}}/models"
gguf=$(find "$models/smollm2-135m-gguf/" -name '*.gguf' | head -n 1)
out="$repository/build/peers"
mkdir -p "$out"
status=0
"$python" "$here/engines_agree.py" --program "$inferometer" --gguf "$gguf" --mlx "$models/smollm2-135m" --json "$out/agree.json" || status=1
"$python" "$here/server_counts.py" --program "$inferometer" || status=1
"$python" "$here/engines_speed.py" --program "$inferometer" --gguf "$gguf" --mlx "$models/smollm2-135m" \
  --llama-bench "$("$here/llama_bench.sh")" --json "$out/speed.json" || status=1
exit $status
