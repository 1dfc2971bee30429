#!/usr/bin/env bash
# Builds everything and runs every test. See --help.
set -Eeuo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools/setup.sh"

peers=no
filter=()

usage() {
  cat <<'HELP'
usage: ./test.sh [--peers] [CTEST OPTIONS]

Installs what is missing (as quickstart.sh does, and what the tests need besides), builds, and runs all tests with ctest.

  --peers     afterwards make the goldens anew with the programs that we compare with, and compare live (needs the network)

Example:
  ./test.sh -R cli.
HELP
}

while [ $# -gt 0 ]; do
  case "$1" in
    --peers) peers=yes ;;
    -h | --help) usage; exit 0 ;;
    *) filter+=("$1") ;;
  esac
  shift
done

cd "$repository"
say "checking what is installed"
install_packages with_tests

# The tests' Python packages live in a folder of their own; the stamp is the list that they were installed from.
venv="$repository/build/venv"
if ! cmp -s tools/requirements-test.txt "$venv/requirements.txt"; then
  say "installing the tests' Python packages into build/venv"
  quietly python3 -m venv "$venv"
  quietly "$venv/bin/pip" install --disable-pip-version-check -r tools/requirements-test.txt
  cp tools/requirements-test.txt "$venv/requirements.txt"
fi

tools/arm.sh --setup

say "building"
configure with_tests
build_target all
pull_model

say "testing"
ctest --preset release --output-on-failure -j2 ${filter[@]+"${filter[@]}"}

if [ $peers = yes ]; then
  say "comparing with peers"
  tools/peers/run.sh "$inferometer"
fi
