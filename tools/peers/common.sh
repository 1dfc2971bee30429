# Sourced: where the models are, and peers_python, which prints the Python that has the peers' packages, installed when they are not
# there yet.
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
models="${IFM_TEST_MODELS:-${INFEROMETER_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/inferometer}}/models"
folder="$models/smollm2-135m"
gguf=$(find "$models/smollm2-135m-gguf/" -name '*.gguf' 2>/dev/null | head -n 1 || true)
if [ ! -e "$folder/config.json" ] || [ -z "$gguf" ]; then
  printf '==> the model is not in %s: run ./test.sh, which gets it\n' "$models"
  exit 1
fi

peers_python() {
  local here="$repository/tools/peers" venv="$repository/build/peers-venv"
  if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    printf '==> installing the peers into build/peers-venv (llama.cpp is compiled: this takes some minutes)\n' >&2
    python3 -m venv "$venv"
    # CMake and Ninja of the system are used; the wheel is made for AVX2, not for this machine, so that goldens are the same elsewhere.
    CMAKE_ARGS="-DGGML_NATIVE=OFF" "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$venv/requirements.txt"
  fi
  printf '%s\n' "$venv/bin/python"
}
