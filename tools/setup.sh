# Shared by quickstart.sh and test.sh: finds what is missing on this machine, installs it, builds. Sourced, not run.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build="$repository/build/release"
inferometer="$build/bin/inferometer"
log="$repository/build/setup.log"

# What building and running needs, by package manager.
apt_packages=(cmake ninja-build g++ pkg-config libfmt-dev nlohmann-json3-dev libyaml-cpp-dev libsqlite3-dev libcli11-dev libboost-dev
  libpcre2-dev libsimdjson-dev libutf8proc-dev libhwloc-dev libarchive-dev libcurl4-openssl-dev gnuplot-nox fonts-dejavu-core python3 python3-pip
  ca-certificates)
brew_packages=(cmake ninja pkgconf fmt nlohmann-json yaml-cpp sqlite cli11 boost pcre2 simdjson utf8proc hwloc libarchive curl gnuplot python)
# What the tests need besides.
apt_test_packages=(libgtest-dev libgmock-dev python3-venv)
brew_test_packages=(googletest)

say() { printf '==> %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
trap 'status=$?; [ $status -eq 0 ] || printf "%s: stopped at line %s: %s (exit %s)\n" "$(basename "$0")" "$LINENO" "$BASH_COMMAND" "$status" >&2' ERR

# Runs a command with its output in the log; shows the end of it only when the command fails.
quietly() {
  if ! "$@" >>"$log" 2>&1; then
    tail -n 25 "$log" >&2
    die "this failed: $* (all of its output: $log)"
  fi
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

apt_missing() {
  local package status
  for package in "$@"; do
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || printf '%s\n' "$package"
  done
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

apt_setup() {
  local missing=() package
  while IFS= read -r package; do missing+=("$package"); done < <(apt_missing "$@")
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    die "these packages are missing, and neither root nor sudo is here to install them: ${missing[*]}"
  fi
  say "installing ${#missing[@]} packages with apt: ${missing[*]}"
  # The lists of a machine that was never updated are empty, and old ones name files that are gone: then, and only then, update.
  if ! apt_install "${missing[@]}" >>"$log" 2>&1; then
    say "updating the package lists"
    quietly as_root apt-get update -q -o DPkg::Lock::Timeout=300
    quietly apt_install "${missing[@]}"
  fi
}

brew_setup() {
  local missing=() package
  local installed
  installed=$(brew list --formula -1)
  for package in "$@"; do
    grep -qx -e "$package" -e "$package@.*" <<<"$installed" || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing with Homebrew: ${missing[*]}"
    quietly brew install "${missing[@]}"
  fi
  # Homebrew keeps these two out of the usual places, because macOS has its own.
  local keg
  for keg in sqlite libarchive; do
    export PKG_CONFIG_PATH="$(brew --prefix "$keg")/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
    export CMAKE_PREFIX_PATH="$(brew --prefix "$keg"):${CMAKE_PREFIX_PATH:-}"
  done
}

# install_packages [with_tests]: makes sure that everything is there, or prints what is missing and stops.
install_packages() {
  mkdir -p "$repository/build"
  : >"$log"
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    if [ "${1:-}" = with_tests ]; then apt_packages+=("${apt_test_packages[@]}"); fi
    apt_setup "${apt_packages[@]}"
  elif command -v brew >/dev/null; then
    if [ "${1:-}" = with_tests ]; then brew_packages+=("${brew_test_packages[@]}"); fi
    brew_setup "${brew_packages[@]}"
  else
    die "neither apt nor Homebrew is here. Install these by hand, then build as CONTRIBUTING.md says:
  a C++20 compiler, CMake 3.22, Ninja, pkg-config, fmt, nlohmann-json, yaml-cpp, SQLite, CLI11, Boost (headers), PCRE2, simdjson,
  utf8proc, hwloc, libarchive, libcurl, gnuplot, DejaVu fonts, Python 3 with pip; for the tests GoogleTest and GoogleMock"
  fi
}

# install_mlx: MLX's headers and library from PyPI, in a virtual environment of their own; configure builds with them from then on.
mlx_venv="$repository/build/engines/mlx"
install_mlx() {
  local package="mlx==0.32.4"
  # On Linux the library is a package of its own, one for each kind of device.
  if [ "$(uname -s)" = Linux ]; then package="mlx[cpu]==0.32.4"; fi
  if [ "$(cat "$mlx_venv/installed.txt" 2>/dev/null)" = "$package" ]; then return; fi
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then apt_setup python3-venv; fi
  quietly python3 -m venv "$mlx_venv"
  quietly "$mlx_venv/bin/pip" install --disable-pip-version-check "$package"
  printf '%s\n' "$package" >"$mlx_venv/installed.txt"
}

# install_servers: servers to measure beside the engines in the program, in a virtual environment of their own.
servers_venv="$repository/build/engines/servers"
install_servers() {
  local packages=("mlx-lm==0.32.2" "xllamacpp==2026.10.11549")
  if [ "$(uname -s)" = Linux ]; then packages+=("mlx[cpu]==0.32.4"); fi
  if [ "$(cat "$servers_venv/installed.txt" 2>/dev/null)" = "${packages[*]}" ]; then return; fi
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then apt_setup python3-venv; fi
  quietly python3 -m venv "$servers_venv"
  quietly "$servers_venv/bin/pip" install --disable-pip-version-check "${packages[@]}"
  printf '%s\n' "${packages[*]}" >"$servers_venv/installed.txt"
}

# Where install_llama_cpp puts the library, and the package whose source it is built from: the one of the registries that has it.
llama_cpp_prefix="$repository/build/engines/llama.cpp"
llama_cpp_package=llama-cpp-python==0.3.36

# install_llama_cpp: llama.cpp as a library, for the engine llama_cpp; nothing to do when this version is there.
install_llama_cpp() {
  local stamp="$llama_cpp_prefix/built-from" work="$llama_cpp_prefix.work"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$llama_cpp_package" ]; then return; fi
  say "building llama.cpp (77 MB to fetch; 3 minutes of processor time, once)"
  rm -rf "$work" "$llama_cpp_prefix"
  mkdir -p "$work/source"
  quietly python3 -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$work" "$llama_cpp_package"
  quietly tar -xzf "$work"/llama_cpp_python-*.tar.gz -C "$work/source" --strip-components=1 --no-same-owner
  # GGML_NATIVE would build for this processor alone, and so measure something else than what is installed elsewhere. Without the
  # run path libllama does not find libggml beside it.
  quietly cmake -S "$work/source/vendor/llama.cpp" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=OFF \
    -DCMAKE_INSTALL_PREFIX="$llama_cpp_prefix" -DCMAKE_INSTALL_LIBDIR=lib \
    "-DCMAKE_INSTALL_RPATH=$([ "$(uname)" = Darwin ] && printf @loader_path || printf '$ORIGIN')" \
    -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_SERVER=OFF \
    -DLLAMA_BUILD_APP=OFF -DLLAMA_OPENSSL=OFF
  quietly cmake --build "$work/build" --parallel "$(build_jobs)"
  quietly cmake --install "$work/build"
  rm -rf "$work"
  printf '%s\n' "$llama_cpp_package" >"$stamp"
}

# configure [with_tests]: one build folder and the same flags with and without tests, so that neither rebuilds the other's work.
configure() {
  local options=() werror=OFF
  # Warnings are errors with the compiler that this is developed with; a newer one may warn of more.
  case "$(c++ -dumpversion 2>/dev/null)" in 12 | 12.*) werror=ON ;; esac
  options+=(-DIFM_WERROR=$werror)
  if [ "${1:-}" = with_tests ]; then
    options+=(-DIFM_TESTS=ON "-DIFM_PYTHON=$repository/build/venv/bin/python")
  elif [ ! -e "$build/CMakeCache.txt" ]; then
    options+=(-DIFM_TESTS=OFF)
  fi
  if [ -e "$mlx_venv/installed.txt" ]; then options+=("-DMLX_ROOT=$("$mlx_venv/bin/python" -m mlx --cmake-dir)"); fi
  if [ -e "$llama_cpp_prefix/built-from" ]; then options+=("-Dllama_ROOT=$llama_cpp_prefix"); fi
  quietly cmake -S "$repository" --preset release "${options[@]}"
}

# build_jobs: as many as there are cores and memory for (a gigabyte each).
build_jobs() {
  local jobs memory_gb
  jobs=$(getconf _NPROCESSORS_ONLN)
  memory_gb=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo 2>/dev/null || echo "$jobs")
  if [ "${memory_gb:-0}" -lt "$jobs" ]; then jobs=$((memory_gb > 1 ? memory_gb : 1)); fi
  printf '%s\n' "$jobs"
}

# build_target NAME
build_target() {
  cmake --build "$build" --target "$1" --parallel "$(build_jobs)" >>"$log" 2>&1 || {
    grep -E -A4 'error|FAILED' "$log" | head -n 40 >&2
    die "the build failed (all of its output: $log)"
  }
}

# What is in the cache already is not fetched again.
pull_model() {
  say "model: SmolLM2-135M-Instruct, 4 bits (98 MB, once)"
  "$inferometer" models pull smollm2-135m
}
