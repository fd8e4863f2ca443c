# Tells what a machine has that is to be a host, behind look-machine.sh; run by "cmig host add".
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then say cgroup 2; else say cgroup 1; fi
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
if [ -r /etc/cmig/host.crt ] && [ -x /opt/cmig/host/node ]; then
  say certificateUntil "$(/opt/cmig/host/node -p 'new (require("crypto").X509Certificate)(fs.readFileSync("/etc/cmig/host.crt")).validTo' 2>/dev/null)"
fi
[ ! -f /etc/cmig/agent.yaml ] || say configuration "$(base64 -w0 /etc/cmig/agent.yaml)"
[ ! -d /opt/cmig/host ] || say added yes
[ ! -e /opt/cmig/host/leaving ] || say leaving yes
[ ! -d /opt/cmig/broker ] || say broker yes
if [ -d /run/systemd/system ]; then
  systemctl --quiet is-enabled cmig-agent 2>/dev/null && say enabled yes
  systemctl --quiet is-active cmig-agent && say running yes
else
  if [ ! -d /etc/rc2.d ] || ls /etc/rc2.d/S*cmig-agent >/dev/null 2>&1; then say enabled yes; fi
  [ -x /etc/init.d/cmig-agent ] && /etc/init.d/cmig-agent status && say running yes
fi
say end yes
