# Takes away from a machine what "cmig host add" has put there; run by "cmig host remove". May be run again at any moment.
# Its arguments: the command that removes the packages it is fed, or nothing where they stay; and the one that names what the broker
# needs, should that be on this machine too.
set -e
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
for application in /var/lib/cmig/applications/*/application.json; do
  [ ! -e "$application" ] || { echo "there is still an application: $application" >&2; exit 1; }
done
if [ -d /run/systemd/system ]; then
  systemctl --quiet disable --now cmig-agent 2>/dev/null || :
else
  [ ! -x /etc/init.d/cmig-agent ] || /etc/init.d/cmig-agent stop
  if command -v update-rc.d >/dev/null; then update-rc.d -f cmig-agent remove >/dev/null; fi
fi
rm -f /etc/systemd/system/cmig-agent.service /etc/init.d/cmig-agent /var/log/cmig-agent.log /run/cmig-agent.pid
[ ! -d /run/systemd/system ] || systemctl daemon-reload
if [ -e /etc/ssh/sshd_config.d/cmig.conf ]; then
  rm -f /etc/ssh/sshd_config.d/cmig.conf
  file=$(sshd -T -C user=root,host=localhost,addr=127.0.0.1 2>/dev/null | sed -n 's/^pidfile //p')
  pid=$(cat "${file:-/run/sshd.pid}" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sshd ] && kill -HUP "$pid" || :
fi
if [ -e /etc/sysctl.d/90-cmig.conf ]; then
  [ ! -s /opt/cmig/host/pipe-max-size ] || cat /opt/cmig/host/pipe-max-size >/proc/sys/fs/pipe-max-size || :
  rm -f /etc/sysctl.d/90-cmig.conf
fi
# What is forwarded, and the overlay; wireguard-go, where the kernel has none of it, ends with its device.
if command -v nft >/dev/null; then
  for table in cmig_forwarding cmig_overlay; do nft delete table ip "$table" 2>/dev/null || :; done
fi
for device in cmig-vxlan cmig-wg; do [ ! -e "/sys/class/net/$device" ] || ip link del dev "$device"; done
while ip rule del priority 1000 lookup 25453 2>/dev/null; do :; done
ip route flush table 25453 2>/dev/null || :
for namespace in /run/netns/cmig-*; do [ ! -e "$namespace" ] || ip netns del "${namespace##*/}"; done
if [ -e /run/cmig/bridge ]; then ip link del dev "$(cat /run/cmig/bridge)" 2>/dev/null || :; fi
# The last first: one may stand on another.
awk '{ print $2 }' /proc/mounts | grep -E '^(/var/lib|/run)/cmig(/|$)' | sort -r | while read -r mounted; do umount "$mounted"; done
if grep -qE '^[^ ]+ (/var/lib|/run)/cmig(/| )' /proc/mounts; then
  echo 'something is still mounted below /var/lib/cmig or /run/cmig, and its files were not removed' >&2
  exit 1
fi
parent=$(sed -n 's/^cgroupParent: *//p' /etc/cmig/agent.yaml 2>/dev/null) || :
for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ ! -d "$root${parent:-/cmig}" ] || find "$root${parent:-/cmig}" -depth -type d -exec rmdir {} + 2>/dev/null || :
done
rm -rf /var/lib/cmig /run/cmig /run/criu.kdat
rmdir /run/wireguard 2>/dev/null || :
if [ -n "${1-}" ] && [ -s /opt/cmig/host/packages ]; then
  : >/opt/cmig/host/needed
  if [ -d /opt/cmig/broker ]; then
    sh -c "$2" | sort -u >/opt/cmig/host/needed
    [ -s /opt/cmig/host/needed ] || { echo 'the package manager does not tell what the broker needs' >&2; exit 1; }
    # It goes with the broker.
    grep -xFf /opt/cmig/host/needed /opt/cmig/host/packages >>/opt/cmig/broker/packages || :
  fi
  { grep -vxFf /opt/cmig/host/needed /opt/cmig/host/packages || :; } >/opt/cmig/host/removing
  sh -c "$1" </opt/cmig/host/removing >/opt/cmig/host/packages.log 2>&1 || {
    tail -n 3 /opt/cmig/host/packages.log >&2
    exit 1
  }
fi
rm -rf /etc/cmig /opt/cmig/suites /opt/cmig/sbin /opt/cmig/selftest.passed /opt/cmig/host
rmdir /opt/cmig 2>/dev/null || :
