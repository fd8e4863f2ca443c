#!/usr/bin/env bash
# Gives PREFIX/sbin a criu and a runc that really dump and restore on the running kernel.
# Candidates, in order: what stands on PATH; then private copies from later suites of this machine's own Debian
# mirror, unpacked under PREFIX without touching the system. Each is judged by criu-selftest.sh, never by version.
# usage: criu.sh [--passed] [PREFIX]       PREFIX defaults to $CMIG_PREFIX or /opt/cmig; $CMIG_CRIU_SUITES names other suites
# With --passed it only tells, by its exit code, whether what stands there has passed already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/setup/apt-suite.sh
. "$here/apt-suite.sh"
only=
[ "${1:-}" != --passed ] || { only=yes; shift; }
prefix=${1:-${CMIG_PREFIX:-/opt/cmig}}
read -ra suites <<<"${CMIG_CRIU_SUITES:-sid forky trixie}"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# What the last verdict was about: another kernel or another binary asks for a new one.
fingerprint() {
  uname -srv
  sha256sum "$(readlink -f "$prefix/sbin/criu")" "$(readlink -f "$prefix/sbin/runc")" "$here/criu-selftest.sh" | cut -d' ' -f1
}
if [ -x "$prefix/sbin/criu" ] && [ -x "$prefix/sbin/runc" ] && [ "$(fingerprint)" = "$(cat "$prefix/selftest.passed" 2>/dev/null)" ]; then
  exit 0
fi
[ -z "$only" ] || exit 1

mkdir -p "$prefix/sbin"
exec 9<"$prefix"
flock 9
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
tried=()

# judge NAME CRIU RUNC: a candidate that passes becomes PREFIX/sbin's.
judge() {
  local reason program target
  if ! reason=$("$here/criu-selftest.sh" "$2" "$3"); then
    tried+=("$1: ${reason:-no reason given}")
    echo "criu: $1 does not work here: $reason"
    return 1
  fi
  for program in criu runc; do
    target=$2
    [ "$program" = criu ] || target=$3
    [ "$target" = "$prefix/sbin/$program" ] || ln -sfn "$target" "$prefix/sbin/.$program.new"
    [ "$target" = "$prefix/sbin/$program" ] || mv -T "$prefix/sbin/.$program.new" "$prefix/sbin/$program"
  done
  fingerprint >"$prefix/selftest.passed.new"
  mv "$prefix/selftest.passed.new" "$prefix/selftest.passed"
  echo "criu: $1 dumps and restores on this kernel ($("$prefix/sbin/criu" --version | sed -n 's/^Version: /criu /p'), $("$prefix/sbin/runc" --version | sed -n '1s/ version//p'))"
}

# unpack_suite SUITE TARGET: criu, runc and exactly the libraries they load, from SUITE, into TARGET.
unpack_suite() {
  local suite=$1 target=$2 program interpreter library directories
  work=$(mktemp -d "$prefix/.unpack.XXXXXX")
  private_apt_setup "$work" "$suite" && unpack_packages "$work/root" criu runc || return 1
  directories=$(find "$work/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
  mkdir -p "$work/target"/{sbin,lib}
  for program in criu runc; do
    cp "$(find "$work/root/usr/sbin" "$work/root/usr/bin" "$work/root/sbin" -name "$program" -type f 2>/dev/null | head -n 1)" "$work/target/sbin/$program"
    interpreter=$(basename "$(patchelf --print-interpreter "$work/target/sbin/$program")")
    interpreter=$(find "$work/root" -name "$interpreter" | head -n 1)
    "$interpreter" --library-path "$directories" --list "$work/target/sbin/$program" |
      grep -oE "$work/root/[^ ]+" >"$work/libraries" || return 1
    while read -r library; do cp -Ln "$library" "$work/target/lib/"; done <"$work/libraries"
    cp -L "$interpreter" "$work/target/lib/"
    patchelf --set-interpreter "$target/lib/${interpreter##*/}" --force-rpath --set-rpath "$target/lib" "$work/target/sbin/$program"
  done
  rm -rf "$target"
  mkdir -p "${target%/*}"
  mv -T "$work/target" "$target"
  rm -rf "$work"
  work=
}

# What stood there already may be good still: a new kernel alone does not make it bad.
if [ -x "$prefix/sbin/criu" ] && [ -x "$prefix/sbin/runc" ]; then
  judge "$prefix/sbin" "$(readlink -f "$prefix/sbin/criu")" "$(readlink -f "$prefix/sbin/runc")" && exit 0
fi
system_criu=$(command -v criu || true) system_runc=$(command -v runc || true)
if [ -n "$system_criu" ] && [ -n "$system_runc" ]; then
  judge "this system's ($system_criu, $system_runc)" "$system_criu" "$system_runc" && exit 0
else
  tried+=("this system's: $([ -n "$system_criu" ] || echo 'no criu ')$([ -n "$system_runc" ] || echo 'no runc ')on PATH")
fi
system=$([ ! -r /etc/os-release ] || . /etc/os-release; echo "${ID:-} ${PRETTY_NAME:-a system without a name}")
# Only a Debian's own mirror has them; suites that are named are asked for in any case.
if [ "${system%% *}" != debian ] && [ -z "${CMIG_CRIU_SUITES:-}" ]; then
  tried+=("newer ones: are fetched on a Debian only, and this is ${system#* }")
  suites=()
fi
for suite in "${suites[@]}"; do
  target=$prefix/suites/$suite
  echo "criu: fetching criu and runc of Debian $suite"
  if ! output=$(unpack_suite "$suite" "$target" 2>&1); then
    tried+=("Debian $suite: cannot be had: ${output##*$'\n'}")
    echo "criu: Debian $suite cannot be had: ${output##*$'\n'}"
    rm -rf "$prefix"/.unpack.*
    continue
  fi
  judge "Debian $suite's" "$target/sbin/criu" "$target/sbin/runc" && exit 0
done

rm -f "$prefix/selftest.passed"
{
  echo "No criu and runc found that can dump and restore a container on this machine (kernel $(uname -r)). Tried:"
  printf '  - %s\n' "${tried[@]}"
  echo "A criu of your own: put criu and runc on PATH and run scripts/setup.sh again."
  echo "What a self-test did in full: CMIG_SELFTEST_VERBOSE=1 scripts/setup/criu-selftest.sh CRIU RUNC"
} >&2
exit 1
