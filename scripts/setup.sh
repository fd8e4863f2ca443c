#!/usr/bin/env bash
# Makes a fresh machine ready: system packages, a criu and runc that work, Node dependencies, the build.
# Each part looks whether its work is done already, so a second run is instant.
# usage: scripts/setup.sh [packages|criu|node|build|test-packages|vm-packages]…      all but the last two without an argument
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

[ $# -gt 0 ] || set -- packages criu node build
for part in "$@"; do
  case $part in
    packages | criu | node | build | test-packages | vm-packages) ;;
    *) echo "setup: no part is called \"$part\" (packages, criu, node, build, test-packages, vm-packages)" >&2; exit 2 ;;
  esac
done

# One setup at a time in this clone; the other one finds everything done.
exec 8<scripts/setup.sh
flock 8

for part in "$@"; do
  case $part in
    packages) scripts/setup/packages.sh ;;
    test-packages) scripts/setup/packages.sh docker-registry:docker-registry mkfs.btrfs:btrfs-progs mmdebstrap:mmdebstrap tcpdump:tcpdump qemu-x86_64-static:qemu-user-static ;;
    vm-packages) scripts/setup/packages.sh mmdebstrap:mmdebstrap qemu-system-x86_64:qemu-system-x86 mkfs.ext4:e2fsprogs qemu-x86_64-static:qemu-user-static ;;
    criu) scripts/setup/criu.sh "${CMIG_PREFIX:-/opt/cmig}" ;;
    node) scripts/setup/node.sh ;;
    build)
      # a folder's time changes with what goes and comes in it, so deleted sources count too
      if [ ! -e dist/.built ] || [ -n "$(find src agent scripts/*.mjs package-lock.json -newer dist/.built -print -quit)" ]; then
        echo "build: dist/"
        node_modules/.bin/node scripts/build.mjs
      fi
      ;;
  esac
done
