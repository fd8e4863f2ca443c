# Takes away from a machine what "cmig broker install" has put there; run by "cmig broker remove". May be run again at any moment.
# Its arguments: the command that removes the packages it is fed, and the one that names what a host needs, should this be one too.
set -e
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
if [ -d /run/systemd/system ]; then
  systemctl --quiet disable --now rabbitmq-server 2>/dev/null || :
  systemctl --quiet stop epmd.service epmd.socket 2>/dev/null || :
else
  [ ! -x /etc/init.d/rabbitmq-server ] || /etc/init.d/rabbitmq-server stop >/dev/null 2>&1 </dev/null || :
fi
if command -v epmd >/dev/null; then ERL_EPMD_ADDRESS=127.0.0.1 epmd -kill >/dev/null 2>&1 || :; fi
if grep -qs 'put here by cmig' /usr/sbin/policy-rc.d; then rm -f /usr/sbin/policy-rc.d; fi
if [ -s /opt/cmig/broker/packages ]; then
  : >/opt/cmig/broker/needed
  if [ -d /opt/cmig/host ]; then
    sh -c "$2" | sort -u >/opt/cmig/broker/needed
    [ -s /opt/cmig/broker/needed ] || { echo 'the package manager does not tell what a host needs' >&2; exit 1; }
    # It goes with the host.
    grep -xFf /opt/cmig/broker/needed /opt/cmig/broker/packages >>/opt/cmig/host/packages || :
  fi
  { grep -vxFf /opt/cmig/broker/needed /opt/cmig/broker/packages || :; } >/opt/cmig/broker/removing
  sh -c "$1" </opt/cmig/broker/removing >/opt/cmig/broker/packages.log 2>&1 || {
    tail -n 3 /opt/cmig/broker/packages.log >&2
    exit 1
  }
fi
# Debian leaves users and groups behind; these come with the packages.
if [ -s /opt/cmig/broker/accounts ]; then
  for name in rabbitmq epmd crontab; do
    ! grep -qx "$name" /opt/cmig/broker/accounts || continue
    ! grep -q "^$name:" /etc/passwd || userdel "$name"
    ! grep -q "^$name:" /etc/group || groupdel "$name"
  done
fi
rm -rf /etc/rabbitmq /var/lib/rabbitmq /var/log/rabbitmq /run/rabbitmq /etc/systemd/system/epmd.socket.d
[ ! -d /run/systemd/system ] || systemctl daemon-reload
rm -rf /opt/cmig/broker
rmdir /opt/cmig 2>/dev/null || :
