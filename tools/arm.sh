#!/usr/bin/env bash
# Cross-compiles for 64-bit Arm and runs the tests there under qemu-user. See --help.
set -Eeuo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
  cat <<'HELP'
usage: tools/arm.sh [--setup | --all]

Builds into build/aarch64 and tests the kernels and what they stand on, on three processors that qemu knows: one that has every
instruction (set neon_i8mm), one without I8MM (neon_dotprod) and one without either (neon). Exit code 77: this machine is not
set up for it.

  --setup   install the cross compiler and qemu-user (Debian, x86-64), and put Arm's libraries into build/aarch64-sysroot
  --all     every test program, and every case of the kernels
HELP
}

sysroot="$repository/build/aarch64-sysroot"
arm_build="$repository/build/aarch64"
compiler_packages=(g++-aarch64-linux-gnu qemu-user)
# What the sysroot holds: the libraries of tools/setup.sh, and C's.
library_packages=(libc6-dev)
for package in "${apt_packages[@]}" "${apt_test_packages[@]}"; do
  case "$package" in lib*-dev | nlohmann-json3-dev) library_packages+=("$package") ;; esac
done

# apt with lists, cache and an empty state of its own: it finds packages of another processor, and all that they depend on,
# while the machine's own state stays as it is.
arm_apt() {
  local state="$repository/build/aarch64-apt"
  mkdir -p "$state/lists/partial" "$state/archives/partial"
  : >"$state/status"
  apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$state" -o Dir::State::status="$state/status" \
    -o Dir::Cache="$state" -o Debug::NoLocking=1 -o APT::Install-Recommends=false -o Acquire::Languages=none "$@" >>"$log" 2>&1
}

unpack_sysroot() {
  local new="$sysroot.new" archive link
  rm -rf "$new" "$sysroot"
  mkdir -p "$new/usr/lib"
  ln -s usr/lib "$new/lib"
  for archive in "$repository"/build/aarch64-apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$archive" | tar -x --keep-directory-symlink --no-same-owner --exclude='./usr/share/doc' --exclude='./etc' -C "$new"
  done
  # Absolute links would lead out of the sysroot.
  while IFS= read -r link; do
    ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$new$(readlink "$link")")" "$link"
  done < <(find "$new/usr" -lname '/*')
  printf '%s\n' "${library_packages[@]}" >"$new/packages"
  mv "$new" "$sysroot"
  rm -rf "$repository/build/aarch64-apt"
}

set_up() {
  mkdir -p "$repository/build"
  if [ "$(uname -m)" != x86_64 ] || ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    say "no Arm tests: they are set up on Debian for x86-64 only"
    return
  fi
  apt_setup "${compiler_packages[@]}"
  if printf '%s\n' "${library_packages[@]}" | cmp -s - "$sysroot/packages"; then return; fi
  say "fetching Arm's libraries into build/aarch64-sysroot"
  if arm_apt update && arm_apt install --download-only "${library_packages[@]}"; then
    unpack_sysroot
  else
    say "no Arm tests: this machine's package archive has no arm64 packages (output: $log)"
  fi
}

# on PROCESSOR PROGRAM [ARGUMENTS]: runs a test program there; says only what failed.
on() {
  local processor=$1 program=$2
  shift 2
  printf -- '-- %s on %s\n' "$program" "$processor"
  QEMU_CPU=$processor qemu-aarch64 -L "$sysroot" "$arm_build/tests/$program" --gtest_brief=1 "$@"
}

# Which instruction sets the tests see on a processor, best first.
sets_on() {
  QEMU_CPU=$1 qemu-aarch64 -L "$sysroot" "$arm_build/tests/test_kernel" --gtest_list_tests | sed -n 's|^  RopeTurnsPairs/\([a-z0-9_]*\).*|\1|p' | xargs
}

expect_sets() {
  local found
  found=$(sets_on "$1")
  [ "$found" = "$2" ] || die "on $1 the kernels are: $found (expected $2)"
}

test_kernels() {
  local cases=$1
  expect_sets max "neon_i8mm neon_dotprod neon reference"
  expect_sets neoverse-n1 "neon_dotprod neon reference"
  expect_sets cortex-a72 "neon reference"
  on max test_kernel --gtest_filter="$cases"
  # The same code on processors that have less: an instruction that they lack would end the program.
  on neoverse-n1 test_kernel --gtest_filter='*EachIsa*/neon*:*CloseToDouble/neon_dotprod*:*RoundedInputsSay/neon_dotprod*:Limits*'
  on cortex-a72 test_kernel --gtest_filter='*EachIsa*/neon*:*CloseToDouble/neon_*:Limits*'
}

# The reference is tested elsewhere, and what a set takes from the next one is tested once.
quick_cases='-*reference*:*neon_i8mm_decode:*DoesNotDependOnHow*/neon_decode:*EachAttention*/neon_*'
all=no
while [ $# -gt 0 ]; do
  case "$1" in
    --setup) set_up; exit 0 ;;
    --all) all=yes ;;
    -h | --help) usage; exit 0 ;;
    *) die "$1: unknown (see --help)" ;;
  esac
  shift
done

if [ ! -e "$sysroot/packages" ] || ! command -v qemu-aarch64 >/dev/null || ! command -v aarch64-linux-gnu-g++ >/dev/null; then
  say "skipped: no cross compiler, qemu-user or build/aarch64-sysroot here (tools/arm.sh --setup)"
  exit 77
fi

cd "$repository"
unset IFM_ISA
cmake --preset aarch64 >/dev/null
programs=(test_machine test_tensor test_kernel test_model)
if [ $all = yes ]; then
  programs+=(test_base test_format test_text test_hub test_engine test_record test_stats test_analysis test_render test_figure test_report test_measure test_parity)
fi
cmake --build "$arm_build" --parallel "$(getconf _NPROCESSORS_ONLN)" --target "${programs[@]}" >"$arm_build/build.log" 2>&1 || {
  grep -E -A4 'error|FAILED' "$arm_build/build.log" | head -n 40 >&2
  die "the build failed (all of its output: $arm_build/build.log)"
}
for program in "${programs[@]}"; do
  case "$program" in
    test_kernel) if [ $all = yes ]; then test_kernels '*'; else test_kernels "$quick_cases"; fi ;;
    # qemu-user makes of vfork a fork, so that a child cannot tell its parent what went wrong.
    test_base) on max test_base --gtest_filter='-RunProcess.NamesAProgramThatIsNotThere' ;;
    *) on max "$program" ;;
  esac
done
