#!/usr/bin/env bash
# Does this criu, with this runc, really dump and restore here? A container with a listening socket and an open TCP
# connection is dumped and let run on (a hook says no), dumped for good, and restored, with the options the product
# uses. Versions and `criu check` do not tell: some pass the check and then fail, or hang, at the first dump.
# usage: criu-selftest.sh CRIU RUNC      exit 0: it works; otherwise the last line says what did not
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  criu=$(readlink -f "$1") runc=$(readlink -f "$2")
  work=$(mktemp -d "${TMPDIR:-/tmp}/criu-selftest.XXXXXX")
  # machines that share a kernel may have the same process numbers
  cgroup=${work##*/}
  # shellcheck disable=SC2317  # the trap calls it
  finish() {
    local dir
    # cgroups outlive their processes for a moment
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      for dir in /sys/fs/cgroup/{,*/}"$cgroup"/{container,}; do rmdir "$dir" 2>/dev/null || true; done
      compgen -G "/sys/fs/cgroup/*/$cgroup" >/dev/null || compgen -G "/sys/fs/cgroup/$cgroup" >/dev/null || break
      sleep 0.1
    done
    rm -rf "$work"
  }
  trap finish EXIT
  # A bad criu hangs and leaves its victims stopped. All of it lives in one pid namespace, which dies as one.
  status=0
  timeout --foreground --kill-after=2 "${CMIG_SELFTEST_SECONDS:-40}" \
    unshare --mount --net --pid --uts --fork --kill-child=KILL --mount-proc \
    "$BASH" "${BASH_SOURCE[0]}" --inside "$criu" "$runc" "$work" "$cgroup" >"$work/log" 2>&1 </dev/null || status=$?
  case $status in
    0) exit 0 ;;
    124 | 137) reason="hung: $(tail -n 1 "$work/log")" ;;
    *) reason=$(tail -n 1 "$work/log") ;;
  esac
  [ -z "${CMIG_SELFTEST_VERBOSE:-}" ] || cat "$work/log" >&2
  echo "$reason"
  exit 1
fi

# --- inside the namespaces ---
criu=$2 runc=$3 work=$4 cgroup=$5
doing() { echo "$*"; }
# fail WHAT LOG: criu's own error is worth more than runc's
fail() {
  local line=
  [ ! -e "${2:-}" ] || line=$(grep -aE 'Error|BUG' "$2" | grep -av 'RLIMIT_NOFILE' | head -n 1 | sed 's/^([0-9.]*) *//')
  [ -n "$line" ] || line=$(tail -n 1 "$work/runc.log" 2>/dev/null)
  echo "$1${line:+: $line}"
  exit 1
}
# eventually SECONDS COMMAND…
eventually() {
  local tries=$(($1 * 20))
  shift
  until "$@" 2>/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}

mount -t tmpfs tmpfs /run
ip link set lo up
ip netns add app
ip -n app link set lo up

root=$work/bundle/rootfs images=$work/images
mkdir -p "$work/path" "$root"/{bin,proc,dev,tmp} "$images"/{refused,dump}
ln -s "$criu" "$work/path/criu"
ln -s "$runc" "$work/path/runc"
export PATH=$work/path:$PATH
busybox=$(command -v busybox)
cp "$busybox" "$root/bin/busybox"
for library in $(ldd "$busybox" 2>/dev/null | grep -oE '/[^ ]+'); do
  mkdir -p "$root${library%/*}"
  cp -L "$library" "$root$library"
done
# A server that echoes, and a client of it on one long connection; the count stands in a file.
cat >"$root/service" <<'SERVICE'
#!/bin/busybox sh
busybox nc -ll -p 7000 -e /bin/busybox cat &
busybox sleep 0.3
n=0
while busybox sleep 0.02; do n=$((n + 1)); echo $n; done | busybox nc 127.0.0.1 7000 | while read -r n; do
  echo "$n" >/tmp/count.new; busybox mv /tmp/count.new /tmp/count
done
SERVICE
chmod +x "$root/service"
cat >"$work/hook" <<HOOK
#!/bin/sh
echo "\$CRTOOLS_SCRIPT_ACTION" >>$work/actions
[ "\$CRTOOLS_SCRIPT_ACTION" != post-dump ] || [ ! -e $work/refuse ]
HOOK
chmod +x "$work/hook"
# Two files, as the product has them: see agent/runtime/criu-defaults.ts and criu-hold.ts.
echo 'network-lock skip' >"$work/criu-defaults.conf"
export CRIU_CONFIG_FILE=$work/criu-defaults.conf
printf '%s\n' 'manage-cgroups=ignore' 'tcp-established' 'file-locks' "action-script $work/hook" >"$work/criu.conf"
cat >"$work/bundle/config.json" <<JSON
{"ociVersion": "1.0.2", "annotations": {"org.criu.config": "$work/criu.conf"}, "hostname": "selftest",
 "root": {"path": "rootfs"},
 "process": {"args": ["/bin/busybox", "sh", "/service"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}, "noNewPrivileges": true},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}],
 "linux": {"cgroupsPath": "/$cgroup/container", "resources": {"devices": [{"allow": false, "access": "rwm"}]},
           "namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network", "path": "/run/netns/app"}]}}
JSON

count() { cat "$root/tmp/count"; }
counts_beyond() { [ "$(count)" -gt "$1" ]; }
state() { runc state selftest 2>/dev/null | sed -n 's/.*"status": "\(.*\)".*/\1/p'; }

doing "starting a container"
runc --log "$work/runc.log" run -d -b "$work/bundle" selftest </dev/null >/dev/null 2>&1 || fail "runc cannot start a container: $(tail -n 1 "$work/runc.log")"
eventually 5 counts_beyond 2 || fail "a container's loopback connection carries nothing"

doing "dumping, with a hook that refuses at the end"
: >"$work/refuse"
runc checkpoint --image-path "$images/refused" --work-path "$images/refused" selftest >"$work/runc.log" 2>&1 || true
grep -q '^post-dump$' "$work/actions" 2>/dev/null || fail "the dump failed" "$images/refused/dump.log"
[ "$(state)" = running ] || fail "a refused dump did not leave the container running" "$images/refused/dump.log"
at=$(count)
eventually 5 counts_beyond "$at" || fail "a refused dump broke the open connection" "$images/refused/dump.log"

doing "dumping for good"
rm "$work/refuse" "$work/actions"
runc checkpoint --image-path "$images/dump" --work-path "$images/dump" selftest >"$work/runc.log" 2>&1 ||
  fail "the dump failed" "$images/dump/dump.log"
at=$(count)

doing "restoring"
runc restore -d --image-path "$images/dump" --work-path "$images/dump" -b "$work/bundle" selftest \
  </dev/null >/dev/null 2>&1 || fail "the restore failed" "$images/dump/restore.log"
grep -q '^post-restore$' "$work/actions" || fail "the restore called no post-restore hook" "$images/dump/restore.log"
eventually 5 counts_beyond "$at" || fail "after the restore the open connection carries nothing" "$images/dump/restore.log"
runc delete --force selftest
doing "works"
