#!/usr/bin/env bash
# Makes the Debian package: packaging/deb.sh; prints where it is. It holds the embedded engine and servers' client; MLX and llama.cpp in the
# program need libraries that Debian 12 has not. packaging/check_deb.sh PACKAGE tries it on a bare system.
set -Eeuo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/setup.sh"
cd "$repository"
install_packages
apt_setup dpkg-dev file  # what cpack asks which packages hold the libraries
build="$repository/build/package"
quietly cmake -S . --preset release -B "$build" -DIFM_TESTS=OFF -DCMAKE_DISABLE_FIND_PACKAGE_MLX=ON -DCMAKE_DISABLE_FIND_PACKAGE_llama=ON
quietly cmake --build "$build" --parallel "$(build_jobs)"
quietly cpack --config "$build/CPackConfig.cmake" -G DEB
ls "$build"/packages/inferometer_*.deb
