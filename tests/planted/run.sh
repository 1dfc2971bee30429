#!/usr/bin/env bash
# Plants known mistakes in a copy of the tree, one after the other, and demands that tests see each. See --help.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
patches="$repository/tests/planted"
tree="$repository/build/planted/tree"
build="$tree/build/release"
log="$repository/build/planted/log"

usage() {
  cat <<'HELP'
usage: tests/planted/run.sh [--check | --list] [NAME...]

Copies the tree as it is now to build/planted, builds there what the tests need, sees these tests green, and then for each patch
of tests/planted: applies it, builds, runs its tests, demands that each of them goes red, and takes it back. NAME: patches whose
names begin so ("07", "07_temperature"); without any, all. Exit code 0 only when every mistake was seen.

  --check   only whether each patch still applies and its tests still exist (seconds; ctest runs it as planted_apply).
            Exit code 77: git is not here
  --list    the mistakes, with their tests

A patch is a unified diff with a head: what is wrong, in a sentence or two; "Build: TARGETS"; one line "Red: NAME" for each test,
by its ctest name, that must see it.
HELP
}

say() { printf '==> %s\n' "$*"; }
die() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

# head_of PATCH KEY: the values of these lines of its head.
head_of() { sed -n -e '/^--- /q' -e "s/^$2: //p" "$1"; }
mistake_of() { sed -n -e '/^Build: /q' -e p "$1" | paste -s -d ' ' -; }

# Outside of any repository, so that paths are those of the folder and a patch that does not fit is an error wherever it lies.
apply() { (cd "$1" && shift && GIT_DIR=/nonexistent git apply "$@"); }

check_patch() {
  local patch=$1 name=$2 test
  apply "$repository" --check "$patch" || die "$name no longer applies: plant the mistake anew"
  [ -n "$(mistake_of "$patch")" ] || die "$name does not say what is wrong (expected a sentence in its head)"
  [ -n "$(head_of "$patch" Build)" ] || die "$name does not say what to build (expected a line Build: TARGETS)"
  [ -n "$(head_of "$patch" Red)" ] || die "$name names no test (expected a line Red: NAME)"
  for test in $(head_of "$patch" Red); do
    grep -rqwF "${test##*.}" "$repository/inferometer" "$repository/tests" --include='*_test.cpp' --include=CMakeLists.txt ||
      die "$name: the test $test is not there any more"
  done
}

# Writes only what differs, so that little is built again, whatever state the last call left.
copy_tree() {
  local file
  mkdir -p "$tree"
  if git -C "$repository" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -C "$repository" ls-files --cached --others --exclude-standard
  else
    (cd "$repository" && find . -path ./build -prune -o -type f -print | sed 's|^\./||')
  fi | LC_ALL=C sort -u | while IFS= read -r file; do
    if [ -e "$repository/$file" ]; then printf '%s\n' "$file"; fi
  done >"$tree.files"
  (cd "$tree" && find . -path ./build -prune -o -type f -print | sed 's|^\./||' | LC_ALL=C sort) | LC_ALL=C comm -13 "$tree.files" - |
    while IFS= read -r file; do rm "$tree/$file"; done
  while IFS= read -r file; do
    if cmp -s "$repository/$file" "$tree/$file"; then continue; fi
    mkdir -p "$(dirname "$tree/$file")"
    rm -f "$tree/$file"
    cp "$repository/$file" "$tree/$file"
  done <"$tree.files"
}

configure() {
  if [ -e "$build/build.ninja" ]; then return; fi
  # As for a user who has none of the optional engines; a warning about what a mistake leaves unused is not the question.
  (cd "$tree" && cmake --preset release -DIFM_TESTS=ON -DIFM_WERROR=OFF -DCMAKE_DISABLE_FIND_PACKAGE_MLX=ON \
    -DCMAKE_DISABLE_FIND_PACKAGE_llama=ON) >>"$log" 2>&1 || { tail -n 25 "$log" >&2; die "configuring failed"; }
}

# build_targets WHAT TARGETS...
build_targets() {
  local what=$1
  shift
  # "sources" stands for tests that only read them.
  local targets=()
  local target
  for target in "$@"; do
    if [ "$target" != sources ]; then targets+=("$target"); fi
  done
  if [ ${#targets[@]} -eq 0 ]; then return; fi
  cmake --build "$build" --target "${targets[@]}" >"$log.build" 2>&1 || {
    cat "$log.build" >>"$log"
    { grep -E -A4 'error|FAILED' "$log.build" || true; } | head -n 30 >&2
    die "$what does not build, so no test has seen anything (all of the output: $log)"
  }
}

# run_tests NAMES...: runs exactly these; the red ones, one a line, are then in $log.red.
run_tests() {
  local expression found
  expression="^($(printf '%s\n' "$@" | sed 's/[.]/\\./g' | paste -s -d '|' -))\$"
  found=$(ctest --test-dir "$build" -N -R "$expression" | sed -n 's/^Total Tests: //p' || true)
  [ "$found" = $# ] || die "of the tests $* there are $found (expected $#)"
  rm -f "$build/Testing/Temporary/LastTestsFailed.log"
  ctest --test-dir "$build" -R "$expression" --timeout 120 --output-on-failure >"$log.tests" 2>&1 || true
  cat "$log.tests" >>"$log"
  grep -q "tests passed, .* out of $#\$" "$log.tests" || die "ctest did not run (its output: $log)"
  { cat "$build/Testing/Temporary/LastTestsFailed.log" 2>/dev/null || true; } | sed 's/^[0-9]*://' >"$log.red"
}

# plant PATCH NAME: one mistake, seen or not; a line of the summary.
plant() {
  local patch=$1 name=$2 test
  apply "$tree" "$patch" || die "$name no longer applies"
  # shellcheck disable=SC2046
  build_targets "$name" $(head_of "$patch" Build)
  # shellcheck disable=SC2046
  run_tests $(head_of "$patch" Red)
  apply "$tree" -R "$patch"
  printf '\n%s: %s\n' "$name" "$(mistake_of "$patch")"
  local seen=yes
  for test in $(head_of "$patch" Red); do
    if grep -qxF "$test" "$log.red"; then
      printf '  red:   %s\n' "$test"
    else
      printf '  GREEN: %s\n' "$test"
      seen=no
    fi
  done
  if [ $seen = no ]; then missed+=("$name"); fi
  printf '%-42s %-8s %s\n' "$name" "$([ $seen = yes ] && echo seen || echo MISSED)" "$(head_of "$patch" Red | paste -s -d ' ' -)" >>"$log.summary"
}

mode=run
names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --check) mode=check ;;
    --list) mode=list ;;
    -h | --help) usage; exit 0 ;;
    -*) die "$1: unknown (see --help)" ;;
    *) names+=("${1%.patch}") ;;
  esac
  shift
done

if ! command -v git >/dev/null; then
  say "skipped: git is not here, which applies the patches"
  exit 77
fi

chosen=()
for patch in "$patches"/*.patch; do
  if [ ${#names[@]} -eq 0 ]; then chosen+=("$patch"); fi
  for name in ${names[@]+"${names[@]}"}; do
    case "$(basename "$patch")" in "$name"*) chosen+=("$patch") ;; esac
  done
done
[ ${#chosen[@]} -gt 0 ] || die "no patch is named ${names[*]} (see --list)"

for patch in "${chosen[@]}"; do
  name=$(basename "$patch" .patch)
  check_patch "$patch" "$name"
  if [ $mode = list ]; then printf '%s: %s\n' "$name" "$(mistake_of "$patch")" && head_of "$patch" Red | sed 's/^/  /'; fi
done
if [ $mode = list ]; then exit 0; fi
if [ $mode = check ]; then
  say "${#chosen[@]} patches apply"
  exit 0
fi

mkdir -p "$repository/build/planted"
: >"$log"
: >"$log.summary"
missed=()
say "copying the tree to build/planted"
copy_tree
configure
targets=$(for patch in "${chosen[@]}"; do head_of "$patch" Build; done | tr ' ' '\n' | sort -u)
tests=$(for patch in "${chosen[@]}"; do head_of "$patch" Red; done | sort -u)
say "building without a mistake"
# shellcheck disable=SC2086
build_targets "the tree" $targets
# shellcheck disable=SC2086
run_tests $tests
if [ -s "$log.red" ]; then die "red without any mistake: $(paste -s -d ' ' "$log.red")"; fi
say "$(printf '%s\n' "$tests" | wc -l | tr -d ' ') tests are green; planting ${#chosen[@]} mistakes"
for patch in "${chosen[@]}"; do plant "$patch" "$(basename "$patch" .patch)"; done

printf '\n'
cat "$log.summary"
if [ ${#missed[@]} -gt 0 ]; then die "${#missed[@]} of ${#chosen[@]} mistakes were not seen: ${missed[*]}"; fi
say "all ${#chosen[@]} mistakes were seen"
