#!/bin/sh
# The first process of a virtual machine for tests. The second drive holds what is the machine's own, mounted at
# /opt/cmig: boot.sh there goes on from here; everything else is what any Linux does when it starts.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
umask 022
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=0666,mode=620,gid=5 devpts /dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev run /run
mount -t tmpfs -o mode=1777,nosuid,nodev tmp /tmp
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
mkdir -p /run/sshd /run/netns
ln -sf /proc/self/fd /dev/fd
for module in virtio_pci virtio_blk virtio_net virtio_rng tun veth bridge overlay nf_tables unix_diag tcp_diag inet_diag; do
  modprobe -q "$module"
done
ip link set lo up
until [ -b /dev/vda ]; do sleep 0.1; done
mount -o ro /dev/vda /opt/cmig
# shellcheck source=/dev/null  # made for each machine
. /opt/cmig/boot.sh
echo vm-ready >/dev/console
# Takes in whatever loses its parent; the machine ends with QEMU.
while :; do
  sleep 1000000 &
  wait
done
