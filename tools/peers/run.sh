#!/usr/bin/env bash
# Compares live with software that we did not write; the second half of `./test.sh --peers`. Needs the network the first time.
# usage: tools/peers/run.sh [PATH OF inferometer]
set -Eeuo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/common.sh"
inferometer=${1:-$repository/build/release/bin/inferometer}
build=$(cd "$(dirname "$inferometer")/.." && pwd)
out="$repository/build/peers"
failed=()

say() { printf '==> %s\n' "$*"; }

# Runs one comparison; the others run even when it fails.
compare() {
  say "$1"
  shift
  "$@" || failed+=("$1 $2")
}

mkdir -p "$out"
python=$(peers_python)

export PYTHONDONTWRITEBYTECODE=1
compare "the MLX folder dequantizes to what the GGUF does" "$python" "$repository/tools/check_conversion.py" "$gguf" "$folder" --generate
compare "the tiny Llama's logits, made anew" "$python" "$here/make_tiny_llama.py" --out "$out" --check
compare "tokenizers" "$python" "$here/live_tokenizer.py" --dump-ids "$build/tests/dump_ids" --mlx "$folder" --gguf "$gguf"
compare "the cache of the Hugging Face Hub" "$python" "$here/hub_cache.py" "$inferometer"
compare "logits of SmolLM2 (about 20 minutes on 2 cores)" \
  "$python" "$here/live_parity.py" --dump-logits "$build/tests/dump_logits" --gguf "$gguf" --mlx "$folder" --json "$out/parity.json"
compare "logits of its Q4_K_M and Q5_K_M (about 15 minutes on 2 cores)" \
  "$python" "$here/live_mixtures.py" --dump-logits "$build/tests/dump_logits" --gguf "$gguf" --json "$out/mixtures.json"

if [ ${#failed[@]} -gt 0 ]; then
  say "comparisons that failed: ${failed[*]}"
  exit 1
fi
say "all comparisons with peers passed; figures: ${out#"$repository"/}/parity.json"
