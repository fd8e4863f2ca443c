#!/usr/bin/env bash
# Shows what cmig is for: a web shop of two containers moves from host to host while a client holds one connection.
# Sets everything up, starts three hosts on this machine, deploys, moves twice, and proves that nobody noticed.
# usage: scripts/demo.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

manifest=manifests/shop.yaml
address=10.77.0.10
record=$(mktemp -d "${TMPDIR:-/tmp}/cmig-demo.XXXXXX")
client=
finish() {
  local status=$?
  [ -z "$client" ] || kill "$client" 2>/dev/null || true
  if [ "$status" = 0 ]; then
    rm -rf "$record"
  else
    echo
    echo "The demo did not get to its end. What the client saw: $record"
    echo "Look around: bin/cmig lab status; bin/cmig get applications,hosts; bin/cmig events. Tear down: bin/cmig lab down"
  fi >&2
}
trap finish EXIT

bold=() plain=()
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=($'\e[1m') plain=($'\e[0m'); fi
step() { printf '\n%s== %s ==%s\n' "${bold[*]}" "$*" "${plain[*]}"; }
# run COMMAND…: shows what it runs, as one would type it
run() {
  echo "\$ $*"
  "$@"
}
cmig() { bin/cmig "$@"; }
now() { date +%s%3N; }
node() { node_modules/.bin/node "$@"; }
# shellcheck disable=SC2016  # the programs in quotes are JavaScript
shop_says() { node -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text()).then(console.log)' "http://$address/"; }

step "Set-up"
scripts/setup.sh
scripts/images/build.sh redis shop-web
echo "ready"

step "Three hosts on this machine"
run cmig lab up --hosts 3
[ "$(cmig config current-context)" = lab ] || run cmig config use-context lab
# a lab takes another range where the first one, 10.77.0.0/16, is in use on this machine; the manifest follows
range=$(cmig lab status -o json | node -e 'console.log(JSON.parse(require("node:fs").readFileSync(0)).range)')
octet=$(cut -d. -f2 <<<"$range")
apply_shop() {
  if [ "$octet" = 77 ]; then
    run cmig apply -f "$manifest" --wait
  else
    address=10.$octet.0.10
    echo "\$ sed s/10.77.0.10/$address/ $manifest | cmig apply -f - --wait"
    (cd "${manifest%/*}" && sed "s/10\\.77\\.0\\.10/$address/" "${manifest##*/}" | ../bin/cmig apply -f - --wait)
  fi
}

step "The shop: redis, and a web service that counts in it"
apply_shop
run cmig get applications -o wide
# a second run of the demo finds the shop wherever the first one left it
# shellcheck disable=SC2016
here=$(cmig get application shop -o json | node -e 'const found = JSON.parse(require("node:fs").readFileSync(0)); console.log((found.items ?? [found])[0].status.host)')
targets=()
for host in host-a host-b host-c host-a host-b; do
  if [ "${#targets[@]}" -gt 0 ] || [ "$host" = "$here" ]; then targets+=("$host"); fi
done
targets=("${targets[@]:1:2}")

step "A client opens one connection and keeps it"
echo "\$ node scripts/demo/follow-stream.ts http://$address/stream"
node_modules/.bin/node scripts/demo/follow-stream.ts "http://$address/stream" "$record/stream" &
client=$!
for _ in $(seq 100); do
  arrived=$(grep -cs number "$record/stream") || true
  [ "${arrived:-0}" -lt 20 ] || break
  kill -0 "$client" 2>/dev/null || break
  sleep 0.1
done
grep -q number "$record/stream" || { echo "the stream at http://$address/stream does not come" >&2; exit 1; }
shop_says >"$record/before.json"
echo "the shop says: $(cat "$record/before.json")"

moves=()
for host in "${targets[@]}"; do
  step "Move it to $host, with the client connected"
  started=$(now)
  run cmig migrate shop "$host"
  moves+=("$host:$started:$(now)")
  sleep 1.5
done
run cmig get applications -o wide

kill "$client"
wait "$client" || true
client=
shop_says >"$record/after.json"

step "Did anybody notice?"
node scripts/demo/print-proof.ts "$record/stream" "$record/before.json" "$record/after.json" "${moves[@]}"

hint() { printf '  %-52s %s\n' "$@"; }
printf '\nEverything still runs. Go on:\n'
hint "curl http://$address/" "what the shop says of itself"
hint "curl -N http://$address/stream" "a stream of your own to watch while you move it"
hint "bin/cmig topology" "all of it, live"
hint "bin/cmig migrate shop $here" "back to where it was"
hint "bin/cmig get hosts" "also: applications -o wide, migrations"
hint "bin/cmig exec shop -c db -- redis-cli client list" "redis's connections"
hint "bin/cmig logs shop -c web" "what the web service wrote"
hint "bin/cmig lab exec $here -- ip addr" "a command on a host"
printf 'Tear down:\n'
hint "bin/cmig lab down" "nothing of it stays"
