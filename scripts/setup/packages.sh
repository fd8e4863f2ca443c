#!/usr/bin/env bash
# Installs the Debian packages whose programs are missing here, without letting any of them start a daemon.
# usage: scripts/setup/packages.sh [PROGRAM:PACKAGE]…      besides what cmig itself needs
set -euo pipefail

# program: package that brings it
needed=(
  rabbitmq-server:rabbitmq-server nft:nftables rsync:rsync sshd:openssh-server ssh:openssh-client ip:iproute2
  conmon:conmon patchelf:patchelf busybox:busybox-static ps:procps sysctl:procps xz:xz-utils zstd:zstd
  nsenter:util-linux flock:util-linux mount:mount git:git tar:tar
  skopeo:skopeo umoci:umoci openssl:openssl
  wg:wireguard-tools wireguard-go:wireguard-go
  "$@"
)
missing=()
for entry in "${needed[@]}"; do
  command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
done
[ "${#missing[@]}" -gt 0 ] || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

if [ "$(id -u)" != 0 ]; then
  echo "packages: ${missing[*]} are missing, and only root can install them" >&2
  exit 1
fi
command -v apt-get >/dev/null || {
  echo "packages: there is no apt-get here; install by hand: ${missing[*]}" >&2
  exit 1
}
echo "packages: installing ${missing[*]}"

# Debian starts a daemon as soon as it is installed; policy-rc.d is the door to say no. Ours goes again at the end,
# and one that was there before comes back.
policy=/usr/sbin/policy-rc.d
mark='# put here by cmig while it installs packages'
set_policy_back() {
  grep -qsF "$mark" "$policy" && rm -f "$policy"
  [ ! -e "$policy.before-cmig" ] || mv "$policy.before-cmig" "$policy"
}
trap set_policy_back EXIT
set_policy_back
[ ! -e "$policy" ] || mv "$policy" "$policy.before-cmig"
printf '%s\n' '#!/bin/sh' "$mark" 'exit 101' >"$policy"
chmod +x "$policy"

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
apt=(apt-get -y -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
install() { "${apt[@]}" install --no-install-recommends "${missing[@]}" >>"$log" 2>&1; }
# the package lists may be missing or stale
if ! install && ! { "${apt[@]}" update >>"$log" 2>&1 && install; }; then
  tail -n 20 "$log" >&2
  echo "packages: apt-get could not install ${missing[*]}; the whole log is $log" >&2
  exit 1
fi
rm -f "$log"
# Nor shall a daemon that came only for cmig's sake start at the next boot: the lab starts its own.
if command -v systemctl >/dev/null; then
  for package in "${missing[@]}"; do
    case $package in
      openssh-server) systemctl --quiet disable ssh.service 2>/dev/null || true ;;
      rabbitmq-server) systemctl --quiet disable rabbitmq-server.service epmd.socket epmd.service 2>/dev/null || true ;;
      docker-registry) systemctl --quiet disable docker-registry.service 2>/dev/null || true ;;
    esac
  done
fi
hash -r
for entry in "${needed[@]}"; do
  command -v "${entry%%:*}" >/dev/null || {
    echo "packages: ${entry#*:} is installed, but ${entry%%:*} is not on PATH" >&2
    exit 1
  }
done
