#!/usr/bin/env bash
# Installs a package on a bare Debian 12 and uses it there: packaging/check_deb.sh build/release/packages/inferometer_*_amd64.deb
# Needs root and debootstrap; the system is made in a folder that is removed at the end.
set -euo pipefail
deb=$(realpath "${1:?usage: packaging/check_deb.sh PACKAGE.deb}")
root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 '/debian$')
debootstrap --variant=minbase bookworm "$root" "$mirror" >/dev/null
cp "$deb" "$root/package.deb"
cp /etc/resolv.conf "$root/etc/resolv.conf"
inside() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
inside apt-get install -y -q --no-install-recommends /package.deb >/dev/null
inside inferometer --version
inside inferometer models synth tiny-llama -o /tiny
inside inferometer generate -m /tiny -p hello -n 8
inside sh -c 'test -s /usr/share/man/man1/inferometer.1 && test -s /usr/share/bash-completion/completions/inferometer'
inside apt-get remove -y -q inferometer >/dev/null
if inside sh -c 'command -v inferometer'; then echo "check_deb.sh: something is left after it was removed" >&2; exit 1; fi
echo "the package works on a bare Debian 12"
