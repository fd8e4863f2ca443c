#!/bin/sh
# The first process of a machine that has nothing of cmig's: a root file system of its own with sshd, in a lab's network.
# usage: bare-host.sh ROOT NAME ADDRESS/PREFIX MAC SWITCH ROUTER      ROUTER is - in a lab of one segment
# File descriptor 3 is the network namespace of the lab's switch. It runs as process 1 in namespaces of its own.
set -eu
umask 022
root=$1 name=$2 address=$3 mac=$4 switch=$5 router=$6

nsenter --net=/proc/self/fd/3 ip link del dev "$name" 2> /dev/null || :
nsenter --net=/proc/self/fd/3 ip -batch - << END
link add dev $name type veth peer name eth0 netns 1
link set dev $name master $switch up
END
exec 3<&-
if [ "$router" = - ]; then
  # Its administrator has put the network card into a bridge, as the README has it.
  ip -batch - << END
link set dev lo up
link add dev cmig0 address $mac type bridge mcast_snooping 0
link set dev eth0 master cmig0 up
link set dev cmig0 up
addr add $address dev cmig0
END
else
  ip -batch - << END
link set dev lo up
link set dev eth0 address $mac up
addr add $address dev eth0
route add default via $router
END
fi

mount --bind "$root" "$root"
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev shm dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev run run
mount -t tmpfs -o mode=1777,nosuid,nodev tmp tmp
mkdir -p run/old-root run/sshd
pivot_root . run/old-root
umount -l /run/old-root
rmdir /run/old-root
cd /
echo "$name" > /proc/sys/kernel/hostname
/usr/sbin/sshd
: > /run/lab-ready

# Waits for ever, and so takes in whatever loses its parent.
while :; do
  sleep infinity &
  wait || :
done
