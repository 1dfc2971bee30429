#!/usr/bin/env bash
# Builds packaging/Containerfile where no registry of images can be reached, and uses the image: packaging/check_container.sh
# Debian's images are stood in for by bare systems that debootstrap makes. Needs root, debootstrap and buildah; leaves nothing behind.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
images=(buildah --root "$scratch/images" --runroot "$scratch/run" --storage-driver vfs)

mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 '/debian$')
debootstrap --variant=minbase bookworm "$scratch/debian" "$mirror" >/dev/null
bare=$("${images[@]}" from scratch)
"${images[@]}" add --quiet "$bare" "$scratch/debian" / >/dev/null
for name in debian:12 debian:12-slim; do "${images[@]}" commit --quiet "$bare" "docker.io/library/$name" >/dev/null; done
"${images[@]}" rm "$bare" >/dev/null

"${images[@]}" build --isolation chroot --pull-never --file packaging/Containerfile --tag inferometer .
used=$("${images[@]}" from --pull-never localhost/inferometer)
inside() { "${images[@]}" run --isolation chroot "$used" -- inferometer "$@"; }
inside --version
inside models synth tiny-llama -o /tiny
inside generate -m /tiny -p hello -n 8
echo "the image works"
