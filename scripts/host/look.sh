# Tells what a machine is and has, as lines key=value, and changes nothing; run by "cmig host add". Its arguments are the files to look at.
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
say() { printf '%s=%s\n' "$1" "$2"; }
say uid "$(id -u)"
ID='' ID_LIKE='' VERSION_ID='' PRETTY_NAME=''
[ ! -r /etc/os-release ] || . /etc/os-release
say distribution "$ID"
say like "$ID_LIKE"
say system "${PRETTY_NAME:-$ID}"
say kernel "$(uname -r)"
say architecture "$(uname -m)"
say flags "$(sed -n 's/^\(flags\|Features\)[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
say cores "$(grep -c '^processor' /proc/cpuinfo)"
say memory "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then say cgroup 2; else say cgroup 1; fi
if [ -d /run/systemd/system ]; then say init systemd; else say init script; fi
for folder in /opt /var/lib /etc; do say "free.$folder" "$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"; done
for program in apt-get dnf rsync nft ip tc conmon busybox criu runc patchelf ssh sshd sysctl ps zstd xz nsenter flock tar awk wg wireguard-go; do
  found=$(command -v "$program") && say "program.$program" "$found"
done
criu=/opt/cmig/sbin/criu
[ -x "$criu" ] || criu=$(command -v criu) || criu=
[ -z "$criu" ] || say criu "$("$criu" --version 2>/dev/null | sed -n 's/^Version: //p')"
runc=/opt/cmig/sbin/runc
[ -x "$runc" ] || runc=$(command -v runc) || runc=
[ -z "$runc" ] || say runc "$("$runc" --version 2>/dev/null | sed -n '1s/.* //p')"
[ -e /opt/cmig/host/setup/criu.sh ] && bash /opt/cmig/host/setup/criu.sh --passed /opt/cmig && say tested yes
[ ! -e /opt/cmig/host/packages.pending ] || say pending yes
sshd -T -C user=root,host=localhost,addr=127.0.0.1 2>/dev/null |
  sed -n 's/^authorizedkeysfile /authorizedKeys=/p; s/^pidfile /sshdPid=/p'
grep -qsiE '^[[:space:]]*include.*sshd_config\.d' /etc/ssh/sshd_config && say sshdIncludes yes
for key in /etc/ssh/ssh_host_*_key.pub; do
  [ ! -r "$key" ] || say "hostKey.$key" "$(cut -d' ' -f1,2 "$key")"
done
say pipes "$(cat /proc/sys/fs/pipe-max-size)"
for file; do
  [ ! -f "$file" ] || say "file.$file" "$(stat -c %a "$file") $(sha256sum "$file" | cut -d' ' -f1)"
done
if [ -r /etc/cmig/host.crt ] && [ -x /opt/cmig/host/node ]; then
  say certificateUntil "$(/opt/cmig/host/node -p 'new (require("crypto").X509Certificate)(fs.readFileSync("/etc/cmig/host.crt")).validTo' 2>/dev/null)"
fi
[ ! -f /etc/cmig/agent.yaml ] || say configuration "$(base64 -w0 /etc/cmig/agent.yaml)"
[ ! -d /opt/cmig/host ] || say added yes
[ ! -e /opt/cmig/host/leaving ] || say leaving yes
if [ -d /run/systemd/system ]; then
  systemctl --quiet is-enabled cmig-agent 2>/dev/null && say enabled yes
  systemctl --quiet is-active cmig-agent && say running yes
else
  if [ ! -d /etc/rc2.d ] || ls /etc/rc2.d/S*cmig-agent >/dev/null 2>&1; then say enabled yes; fi
  [ -x /etc/init.d/cmig-agent ] && /etc/init.d/cmig-agent status && say running yes
fi
say end yes
