// The first process of every machine of a lab: it makes the machine's file system and network, starts its services and
// stays as its init. Written to the lab's folder, because it runs from there.

/**
 * usage: boot.sh ROLE FOLDER NAME ADDRESS/PREFIX MAC SWITCH ROUTER SHARED…      ROUTER is - in a lab of one segment
 * File descriptor 3 is the network namespace of the lab's switch. It runs as process 1 in namespaces of its own.
 *
 * The root is a tmpfs. The machine's programs are bound into it; /var, /root, /tmp and /run are its own, and /etc is
 * its own copy over this machine's. /var/lib/cmig, /var/log and /etc/cmig are on disk and survive a power loss.
 */
export const bootScript = `#!/bin/sh
set -eu
umask 022
role=$1 folder=$2 name=$3 address=$4 mac=$5 switch=$6 router=$7
shift 7
root=$folder/root
data=/var/lib/cmig
[ "$role" = host ] || data=/var/lib/rabbitmq

mount -t tmpfs -o mode=755 lab "$root"
cd "$root"
for entry in /*; do
  case $entry in /proc | /sys | /dev | /run | /tmp | /root | /var | /etc | /lost+found) continue ;; esac
  if [ -L "$entry" ]; then
    cp -P "$entry" ".$entry"
  elif [ -d "$entry" ]; then
    mkdir ".$entry"
    mount --rbind "$entry" ".$entry"
  fi
done
mkdir -p proc sys dev run tmp root var/log var/tmp var/cache var/empty ".$data" etc .etc/upper .etc/work .old-root
chmod 1777 tmp var/tmp
chmod 700 root
ln -s /run var/run
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev shm dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev run run
mount -t overlay -o lowerdir=/etc,upperdir=.etc/upper,workdir=.etc/work overlay etc
mkdir -p etc/cmig
mount --bind "$folder/etc" etc/cmig
mount --bind "$folder/log" var/log
mount --bind "$folder/data" ".$data"
for shared in "$@"; do
  [ -e ".$shared" ] && continue
  mkdir -p ".$shared"
  mount --rbind "$shared" ".$shared"
done
pivot_root . .old-root
umount -l /.old-root
rmdir /.old-root
cd /
echo "$name" > /proc/sys/kernel/hostname
echo "$name" > /etc/hostname
cat /etc/cmig/hosts > /etc/hosts
# sshd refuses keys too where the account is marked as locked.
sed -i 's/^root:![^:]*:/root:*:/' /etc/shadow
rm -f /etc/nologin

# An end of the switch of the same name may be left from before a power loss.
nsenter --net=/proc/self/fd/3 ip link del dev "$name" 2> /dev/null || :
nsenter --net=/proc/self/fd/3 ip -batch - << END
link add dev $name type veth peer name eth0 netns 1
link set dev $name master $switch up
END
exec 3<&-
if [ "$role" = host ] && [ "$router" = - ]; then
  # The bridge's address is fixed: it would otherwise change with what is attached.
  ip -batch - << END
link set dev lo up
link add dev cmig0 address $mac type bridge mcast_snooping 0
link set dev eth0 master cmig0 up
link set dev cmig0 up
addr add $address dev cmig0
END
  # Of this machine only: with br_netfilter a published port's packets would be translated once more as they pass the bridge.
  [ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables
else
  ip -batch - << END
link set dev lo up
link set dev eth0 address $mac up
addr add $address dev eth0
END
  [ "$router" = - ] || ip route add default via "$router"
fi
if [ "$role" = host ]; then
  mkdir -p /run/sshd /run/netns
  /usr/sbin/sshd -f /etc/cmig/sshd_config -E /var/log/sshd.log
fi
: > /run/lab-ready

# Waits for ever, and so takes in whatever loses its parent.
while :; do
  sleep infinity &
  wait || :
done
`;
