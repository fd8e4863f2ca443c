#!/usr/bin/env bash
# Builds what virtual machines for tests boot from: a kernel and two root file systems of Debian's packages. `root.img`
# has criu and runc as that Debian has them, and a small init of our own; `systemd.img` is a Debian as it is installed,
# with systemd, udev, dbus and sshd, and nothing that a host needs besides. All of it comes from this machine's own Debian
# mirror; nothing is installed here. Prints the folder that holds them; it is built once for what its recipe is.
# usage: build-image.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/setup/apt-suite.sh
. "$here/../setup/apt-suite.sh"
PATH=$PATH:/usr/sbin:/sbin
suite=trixie
packages=(
  base-files base-passwd bash busybox-static ca-certificates conmon coreutils criu dash findutils grep gzip hostname
  iproute2 iputils-ping kmod libc-bin linux-image-cloud-amd64 mount nftables openssh-client openssh-server procps rsync
  runc sed tar util-linux xz-utils zstd
)
# virtual size; what is not written takes no room
size=6G

cache=$here/../../.vm
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
digest=$(cat "$here/build-image.sh" "$here/init.sh" "$here/../setup/apt-suite.sh" | sha256sum | cut -c1-16)
image=$cache/$digest
exec 9<"$cache"
flock 9
if [ -e "$image/root.img" ]; then
  echo "$image"
  exit 0
fi

echo "vm: building an image of Debian $suite" >&2
work=$(mktemp -d "$cache/.building.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
private_apt_setup "$work/apt" "$suite" >&2
# The links of a merged /usr are there before anything is unpacked through them.
mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$root/$directory"; done
unpack_packages "$root" "${packages[@]}" >&2

# What the packages' own scripts would have done.
mkdir -p "$root"/{dev,proc,sys,run,tmp,root,var/{lib,log,tmp,empty},etc/ssh,opt/cmig}
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
# A star is no password, and no lock either.
sed -i 's/^root:[^:]*:/root:*:/' "$root/etc/passwd"
echo 'sshd:*:101:65534::/run/sshd:/usr/sbin/nologin' >>"$root/etc/passwd"
ln -sf dash "$root/usr/bin/sh"
[ -e "$root/dev/console" ] || mknod -m 600 "$root/dev/console" c 5 1
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
chmod 1777 "$root/tmp" "$root/var/tmp"
install -m 755 "$here/init.sh" "$root/usr/sbin/vm-init"
kernel=$(basename "$(find "$root/boot" -name 'vmlinuz-*' | sort | tail -n 1)")
chroot "$root" /usr/sbin/ldconfig
chroot "$root" /usr/sbin/depmod "${kernel#vmlinuz-}"
mkdir "$work/image"
cp "$root/boot/$kernel" "$work/image/kernel"
rm -rf "${root:?}"/boot/* "$root"/usr/share/{doc,man,locale,info} "$root"/var/cache/*
truncate -s "$size" "$work/image/root.img"
mkfs.ext4 -q -O ^has_journal -m 0 -E lazy_itable_init=1 -d "$root" "$work/image/root.img"

# The kernel is given on QEMU's command line here too, so only its modules are in the file system.
debian=$work/debian
mkdir "$debian"
source_for_suite "$suite" >"$work/suite.sources"
mmdebstrap --quiet --variant=minbase --include=dbus,iproute2,kmod,libpam-systemd,openssh-server,systemd-sysv,udev \
  --aptopt='Acquire::Retries "5"' --format=tar "$suite" - "$work/suite.sources" | tar -xp -C "$debian" >&2
cp -a "$root/usr/lib/modules" "$debian/usr/lib/"
rm -f "$debian"/etc/ssh/ssh_host_*
install -d -m 700 "$debian/root/.ssh"
# As the README has it for a host: the card that leads to the others is in the bridge; 10.0.2.2 is QEMU's.
network=$debian/etc/systemd/network
printf '[NetDev]\nName=cmig0\nKind=bridge\n' >"$network/10-cmig0.netdev"
printf '[Match]\nName=eth1\n[Network]\nBridge=cmig0\n' >"$network/20-eth1.network"
printf '[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\nIPv6AcceptRA=no\n' >"$network/40-eth0.network"
ln -s /usr/lib/systemd/system/systemd-networkd.service "$debian/etc/systemd/system/multi-user.target.wants/"
echo force-unsafe-io >"$debian/etc/dpkg/dpkg.cfg.d/quick"
truncate -s "$size" "$work/image/systemd.img"
mkfs.ext4 -q -O ^has_journal -m 0 -E lazy_itable_init=1 -d "$debian" "$work/image/systemd.img"
# Images of other recipes are of no use any more.
find "$cache" -mindepth 1 -maxdepth 1 -type d -regextype posix-egrep -regex '.*/[0-9a-f]{16}' -exec rm -rf {} +
mv -T "$work/image" "$image"
echo "$image"
