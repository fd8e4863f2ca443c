#!/usr/bin/env bash
# Installs the Node dependencies of package-lock.json, among them the Node that everything here runs on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

stamp=node_modules/.cmig-lock
lock=$(sha256sum package-lock.json | cut -d' ' -f1)
runs() { [ -x node_modules/.bin/node ] && node_modules/.bin/node -e 'process.exit(parseInt(process.versions.node) >= 24 ? 0 : 1)' 2>/dev/null; }
if [ "$(cat "$stamp" 2>/dev/null)" = "$lock" ] && [ -x node_modules/.bin/node ]; then exit 0; fi

command -v npm >/dev/null || {
  echo "node: there is no npm here: install Node 20 or newer with npm first" >&2
  exit 1
}
# `npm install NAME` leaves a tree that is right already; only a tree that differs from the lock file is replaced.
matches() {
  runs && node_modules/.bin/node -e '
    const { readFileSync } = require("node:fs");
    const packages = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
    const wanted = packages("package-lock.json");
    const present = packages("node_modules/.package-lock.json");
    const differs = ([path, { version, optional }]) =>
      path !== "" && present[path]?.version !== version && !(optional && !present[path]);
    process.exit(Object.entries(wanted).some(differs) || Object.keys(present).some((path) => !wanted[path]) ? 1 : 0);
  ' 2>/dev/null
}
if ! matches; then
  echo "node: npm ci"
  log=$(mktemp)
  npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    echo "node: npm ci failed; the whole log is $log" >&2
    exit 1
  }
  rm -f "$log"
  # An npm that is told not to run install scripts leaves the package without its program.
  runs || (cd node_modules/node && node installArchSpecificPackage) >/dev/null 2>&1 || true
  runs || {
    echo "node: node_modules/.bin/node is not there or does not run after npm ci: are install scripts forbidden (npm config get ignore-scripts)?" >&2
    exit 1
  }
fi
echo "$lock" >"$stamp"
