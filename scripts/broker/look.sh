# Tells what a machine has that is to run the broker, behind look-machine.sh; run by "cmig broker install".
for folder in /usr/lib/rabbitmq/lib/rabbitmq_server-*; do
  [ ! -d "$folder" ] || say rabbitmq "${folder##*-}"
done
[ ! -d /opt/cmig/broker ] || say added yes
[ ! -e /opt/cmig/broker/packages.pending ] || say pending yes
[ ! -r /etc/rabbitmq/cmig/broker.crt ] || say certificate "$(base64 -w0 /etc/rabbitmq/cmig/broker.crt)"
[ ! -r /etc/rabbitmq/rabbitmq.conf ] || say configuration "$(base64 -w0 /etc/rabbitmq/rabbitmq.conf)"
if [ -e /opt/cmig/broker/started ]; then
  current=yes
  for file in /etc/rabbitmq/rabbitmq.conf /etc/rabbitmq/rabbitmq-env.conf /etc/rabbitmq/enabled_plugins /etc/rabbitmq/cmig/*; do
    [ ! "$file" -nt /opt/cmig/broker/started ] || current=
  done
  [ -z "$current" ] || say current yes
fi
if [ -d /run/systemd/system ]; then
  systemctl --quiet is-enabled rabbitmq-server 2>/dev/null && say enabled yes
elif [ ! -d /etc/rc2.d ] || ls /etc/rc2.d/S*rabbitmq-server >/dev/null 2>&1; then
  say enabled yes
fi
if command -v rabbitmqctl >/dev/null && definitions=$(rabbitmqctl -q export_definitions - --format json 2>/dev/null); then
  say definitions "$(printf '%s' "$definitions" | base64 -w0)"
fi
say end yes
