#!/usr/bin/env bash
# Checks, without a Mac, that the source compiles as Apple's compiler would have it: clang 16 or newer with LLVM's C++ library, 64-bit
# Arm, and an int64_t that is `long long` while size_t is `unsigned long`. Syntax and types only; what includes Apple's own headers
# is left out. Needs Debian's clang-N and libc++-N-dev, and the sysroot of tools/arm.sh --setup.
# usage: tools/apple.sh [FILE…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sysroot=build/aarch64-sysroot
die() { echo "apple.sh: $*" >&2; exit 1; }
[ -e "$sysroot/packages" ] || die "$sysroot: not there (tools/arm.sh --setup)"
for version in 20 19 18 17 16; do
  library=/usr/lib/llvm-$version/include/c++/v1
  if command -v "clang++-$version" >/dev/null && [ -d "$library" ]; then break; fi
  library=
done
[ -n "$library" ] || die "no clang++ of version 16 or newer with its C++ library here (Debian: apt install clang-16 libc++-16-dev)"

# The C library's types with the 64-bit ones as Apple has them, found before its own.
shim=build/apple-shim
mkdir -p $shim/bits
sed -e 's/typedef signed long int __int64_t/typedef signed long long int __int64_t/' \
  -e 's/typedef unsigned long int __uint64_t/typedef unsigned long long int __uint64_t/' \
  $sysroot/usr/include/aarch64-linux-gnu/bits/types.h >$shim/bits/types.h

check() {
  local march=()
  case "$1" in
    */neon/dotprod/*) march=(-march=armv8.2-a+dotprod) ;;
    */neon/i8mm/*) march=(-march=armv8.2-a+dotprod+i8mm) ;;
  esac
  "clang++-$version" --target=aarch64-linux-gnu --sysroot=$sysroot -nostdinc++ -isystem $shim -isystem "$library" -std=c++20 -I. \
    -fsyntax-only -Werror -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Woverloaded-virtual \
    -Wno-missing-field-initializers -DIFM_SOURCE_DIR='"."' -DIFM_BINARY_DIR='"."' ${march[@]+"${march[@]}"} "$1"
}

if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files 'inferometer/*.cpp' 'tests/*.cpp' 'bench/*.cpp' | grep -vE '/avx2/|/avxvnni/|/avx512/|_macos\.cpp$|/fuzz/')
  set -- "${files[@]}"
fi
failed=0
for file in "$@"; do check "$file" || failed=$((failed + 1)); done
echo "apple.sh: $# files, $failed that do not compile"
[ $failed -eq 0 ]
