#!/usr/bin/env bash
# Checks everything: set-up, lint, types, then the unit, integration and end-to-end tests. Every stage runs even when
# an earlier one failed; the last line is the sum. Logs, results and what failed tests left go to .artifacts/.
# usage: scripts/test.sh [lint|types|unit|integration|e2e|vm]…      all but the last without an argument
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
exec </dev/null
root=$PWD
stages=(lint types unit integration e2e)
# stages+=(vm)      on virtual machines: minutes, since they are emulated
[ $# = 0 ] || stages=("$@")
for stage in "${stages[@]}"; do
  case $stage in
    lint | types | unit | integration | e2e | vm) ;;
    *) echo "test: no stage is called \"$stage\" (lint, types, unit, integration, e2e, vm)" >&2; exit 2 ;;
  esac
done

artifacts=$root/.artifacts
export CMIG_ARTIFACTS=$artifacts
passed=0 failed=0 broken=()
finish() {
  [ "${#broken[@]}" = 0 ] || { echo; printf 'FAILED %s\n' "${broken[@]}"; }
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "${#broken[@]}" = 0 ]
  exit
}
# ok STAGE / fail STAGE WHY: count a stage that is one check
ok() { passed=$((passed + 1)); echo "ok     $1 ($2 s)"; }
fail() { failed=$((failed + 1)); broken+=("$1: $2"); echo "FAILED $1 ($3 s)"; }

setup() {
  scripts/setup.sh || return 1
  [[ " ${stages[*]} " != *" e2e "* && " ${stages[*]} " != *" integration "* ]] || scripts/setup.sh test-packages || return 1
  [[ " ${stages[*]} " != *" vm "* ]] || scripts/setup.sh vm-packages || return 1
  [[ " ${stages[*]} " != *" e2e "* ]] || scripts/images/build.sh || return 1
  [[ " ${stages[*]} " != *" vm "* ]] || scripts/images/build.sh busybox python postgres
}
started=$SECONDS
if ! setup; then
  fail setup "see above" $((SECONDS - started))
  # what can be checked all the same is checked all the same
  [ -x node_modules/.bin/node ] || finish
fi
export PATH=$root/node_modules/.bin:$PATH

# Runs on one machine share the name of the lab (CMIG_E2E_LAB gives a run one of its own), so they go one after the
# other. What holds the lock besides this script are its tests; their own children do not inherit it from Node.
temporary=${TMPDIR:-/tmp}/cmig-test-${CMIG_E2E_LAB:-e2e}
while :; do
  exec 9>"$temporary.lock"
  flock --nonblock 9 || {
    echo "test: another run is under way here; waiting for its end"
    flock --timeout 1800 9 || { fail "turn" "another run has not ended in half an hour" 1800; finish; }
  }
  # a run that has just ended took the file away
  [ "$temporary.lock" -ef /proc/self/fd/9 ] && break
done
rm -rf "$artifacts" "$temporary" # a run that was killed left its files
mkdir -p "$artifacts" "$temporary"
export TMPDIR=$temporary
lab_is_up=
clear_lab() {
  [ -z "$lab_is_up" ] || node -e 'import("./tests/e2e/tear-down.mjs").then((module) => module.default())'
  lab_is_up=
}
trap 'clear_lab; rm -rf "$temporary" "$temporary.lock"' EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT

# seconds a stage may take before it is ended and counts as failed: many times what it takes
declare -A limit=([lint]=300 [types]=600 [unit]=600 [integration]=600 [e2e]=${CMIG_E2E_SECONDS:-2100} [vm]=4800)
# the kernel ends what runs when its parent ends, however that comes about
with_limit() { # STAGE COMMAND…
  local seconds=${limit[$1]}
  shift
  exec setpriv --pdeathsig KILL timeout --foreground --kill-after=30 "$seconds" setpriv --pdeathsig KILL "$@"
}

run_check() { # STAGE COMMAND…: one check
  local stage=$1 started=$SECONDS
  shift
  if (with_limit "$stage" "$@") >"$artifacts/$stage.log" 2>&1; then
    ok "$stage" $((SECONDS - started))
  else
    cat "$artifacts/$stage.log"
    fail "$stage" "see .artifacts/$stage.log" $((SECONDS - started))
  fi
}

# shellcheck disable=SC2016  # the program in quotes is JavaScript
run_jest() { # STAGE OPTION…: a jest project; its JSON result is summed up
  local stage=$1 started=$SECONDS status=0 sums
  shift
  [ "$stage" != e2e ] || lab_is_up=1
  (with_limit "$stage" node --experimental-vm-modules --no-warnings node_modules/jest/bin/jest.js --selectProjects "$stage" \
    --forceExit --json --outputFile="$artifacts/$stage.json" "$@") 2>&1 >/dev/null | tee "$artifacts/$stage.log" >&2
  status=${PIPESTATUS[0]}
  # jest itself ends with 0 or 1; whatever ended it otherwise has also kept it from taking the lab down
  [ "$status" -le 1 ] || clear_lab
  lab_is_up=
  sums=$(node -e '
    const result = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
    // a file that could not even be loaded has no tests, and yet it failed
    const unloadable = result.testResults.filter((file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"));
    console.log(result.numPassedTests, result.numFailedTests + unloadable.length);
    for (const file of result.testResults)
      for (const test of file.assertionResults) if (test.status === "failed") console.log(test.fullName);
    for (const file of unloadable) console.log(`${file.name} could not run`);
  ' "$artifacts/$stage.json" 2>/dev/null) || sums="0 0"
  local stage_passed stage_failed
  read -r stage_passed stage_failed <<<"$(head -n 1 <<<"$sums")"
  # a jest that ended badly without a failed test: crashed, timed out, found no tests
  if [ "$status" != 0 ] && [ "$stage_failed" = 0 ]; then
    stage_failed=1
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
      broken+=("$stage: not done after ${limit[$stage]} s")
    else
      broken+=("$stage: jest ended with $status, see .artifacts/$stage.log")
    fi
  fi
  while read -r test; do [ -z "$test" ] || broken+=("$stage: $test"); done < <(tail -n +2 <<<"$sums")
  passed=$((passed + stage_passed))
  failed=$((failed + stage_failed))
  echo "$([ "$stage_failed" = 0 ] && echo 'ok    ' || echo FAILED) $stage: $stage_passed passed, $stage_failed failed ($((SECONDS - started)) s)"
}

for stage in "${stages[@]}"; do
  case $stage in
    lint) run_check lint biome check --error-on-warnings . ;;
    types) run_check types tsc --noEmit ;;
    unit) run_jest unit ;;
    integration) run_jest integration --runInBand ;;
    e2e) run_jest e2e --runInBand ;;
    vm) run_jest vm --runInBand ;;
  esac
done
finish
