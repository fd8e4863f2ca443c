#!/usr/bin/env bash
# Builds root file systems for manifests/ and for the end-to-end tests, out of this machine's own Debian packages.
# Each image is a folder here with a recipe.sh; what it keeps of the packages is only what its programs load.
# usage: build.sh [--into DIR] [NAME…]      into manifests/images by default; without a name all but those that only the
#                                           tests on virtual machines use (only_when_named in their recipe)
# A built image is kept in ${CMIG_IMAGES:-/var/cache/cmig/images}, so that another clone only copies it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/setup/apt-suite.sh
. "$here/../setup/apt-suite.sh"

into=$here/../../manifests/images
if [ "${1:-}" = --into ]; then
  into=$2
  shift 2
fi
cache=${CMIG_IMAGES:-/var/cache/cmig/images}
if [ $# = 0 ]; then
  for name in "$here"/*/recipe.sh; do
    grep -q '^only_when_named=' "$name" || set -- "$@" "$(basename "${name%/recipe.sh}")"
  done
fi
mkdir -p "$cache" "$into"
exec 9<"$cache"
flock 9
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

# --- what a recipe may use; $unpacked is the packages' root, $image the image's ---

# in_packages COMMAND…: runs a program of the unpacked packages, with the libraries it was built for. /proc is there
# for it alone, in a mount namespace of its own, so that nothing is left mounted whatever happens.
in_packages() {
  # shellcheck disable=SC2016  # the inner shell expands it
  unshare --mount "$BASH" -c 'mount --bind /proc "$0/proc" && exec chroot "$0" "$@"' "$unpacked" "$@"
}

# keep PATH…: copies files or folders (links followed at the top) out of the packages, and the libraries they load.
keep() {
  local path file
  for path in "$@"; do
    mkdir -p "$image${path%/*}"
    cp -aH "$unpacked$path" "$image${path%/*}/"
    while read -r file; do keep_libraries_of "$file"; done < <(
      find "$image$path" -type f \( -perm -100 -o -name '*.so*' \) -printf '%p\n' | sed "s|^$image||")
  done
}

# keep_libraries_of PATH: PATH is in the image; its loader and all it links to come along. A recipe whose program loads
# libraries from folders of its own names them in library_path.
keep_libraries_of() {
  local library listed
  [ "$(head -c 4 "$image$1" | tr -d '\0')" = $'\x7fELF' ] || return 0
  [ -e "$unpacked$1" ] || return 0
  if ! listed=$(in_packages "$loader" --library-path "$library_path" --list "$1" 2>&1); then
    case $listed in *'not a dynamic'* | *'statically linked'*) return 0 ;; esac
    echo "images: $1 cannot be loaded: $listed" >&2
    return 1
  fi
  while read -r library; do
    [ -e "$image$library" ] || install -D -m 755 "$unpacked$library" "$image$library"
  done < <(grep -oE '(^|[[:space:]])/[^ ]+' <<<"$listed" | tr -d '[:blank:]')
}

# python_runtime: Python with what a small service needs of its library, compiled ahead.
python_runtime() {
  local library
  library=$(cd "$unpacked" && printf '%s\n' usr/lib/python3.*/os.py)
  library=/${library%/os.py}
  mkdir -p "$image$library/lib-dynload"
  cp -a "$unpacked$library"/{*.py,collections,encodings,importlib,json,re,urllib} "$image$library/" 2>/dev/null || true
  rm -f "$image$library"/{turtle,pydoc,doctest,pdb,tarfile,_pydecimal,mailbox,imaplib,smtplib,nntplib,ftplib,sitecustomize}.py
  keep "/usr/bin/${library##*/}"
  ln -s "${library##*/}" "$image/usr/bin/python3"
  chroot "$image" /usr/bin/python3 -m compileall -q --invalidation-mode unchecked-hash "$library"
}

# --- one image ---

build() {
  local name=$1 packages=() library_path='' directory
  work=$(mktemp -d "$cache/.building.XXXXXX")
  unpacked=$work/packages image=$work/image
  mkdir -p "$image"/{usr/{bin,sbin,lib,lib64},dev,proc,sys,run,tmp,var,etc,root,app}
  for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$image/$directory"; done
  ln -s /run "$image/var/run"
  chmod 1777 "$image/tmp"
  ln -s /tmp "$image/var/tmp"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$image/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$image/etc/group"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$image/etc/hosts"
  : >"$image/etc/resolv.conf"

  # shellcheck source=/dev/null
  . "$here/$name/recipe.sh"
  [ -n "${suite_ready:-}" ] || private_apt_setup "$apt_dir" "$(. /etc/os-release && echo "$VERSION_CODENAME")"
  suite_ready=1
  rm -f "$apt_dir"/cache/archives/*.deb
  unpack_packages "$unpacked" busybox-static "${packages[@]}"
  mkdir -p "$unpacked"/{tmp,proc}
  loader=$(find "$unpacked" -name 'ld-linux*.so.*' -path '*/lib*' | head -n 1)
  loader=${loader#"$unpacked"}

  # a shell in every image: for `cmig exec`, and for looking around
  cp "$(find "$unpacked/bin" "$unpacked/usr/bin" -name busybox 2>/dev/null | head -n 1)" "$image/bin/busybox"
  "$image/bin/busybox" --list | while read -r applet; do
    [ -e "$image/bin/$applet" ] || ln -s busybox "$image/bin/$applet"
  done
  keep_in_image
  find "$here/$name" -maxdepth 1 -type f ! -name recipe.sh ! -name '*.java' -exec cp -t "$image/app" {} +
  chmod -R u=rwX,go=rX "$image/app"
  echo "$fingerprint" >"$work/fingerprint"
  rm -rf "${cache:?}/$name"
  rm -rf "$unpacked"
  mv -T "$work" "$cache/$name"
  work=
}

started_apt() { rm -rf "$apt_dir"; }
apt_dir=$(mktemp -d)
trap '[ -z "$work" ] || rm -rf "$work"; started_apt' EXIT

for name in "$@"; do
  [ -e "$here/$name/recipe.sh" ] || {
    echo "images: there is no image \"$name\" (there are: $(cd "$here" && printf '%s\n' */recipe.sh | sed 's|/.*||' | paste -sd' '))" >&2
    exit 2
  }
  fingerprint=$({ . /etc/os-release && echo "$VERSION_CODENAME"; uname -m; cat "$here/build.sh" "$here/../setup/apt-suite.sh" "$here/$name"/*; } | sha256sum | cut -d' ' -f1)
  if [ "$(cat "$cache/$name/fingerprint" 2>/dev/null)" != "$fingerprint" ]; then
    echo "images: building $name"
    build "$name"
  fi
  if [ "$(cat "$into/.$name.fingerprint" 2>/dev/null)" != "$fingerprint" ] || [ ! -d "$into/$name" ]; then
    rm -rf "$into/.$name.new" "$into/.$name.old"
    cp -a --reflink=auto "$cache/$name/image" "$into/.$name.new"
    [ ! -e "$into/$name" ] || mv -T "$into/$name" "$into/.$name.old"
    mv -T "$into/.$name.new" "$into/$name"
    rm -rf "$into/.$name.old"
    echo "$fingerprint" >"$into/.$name.fingerprint"
  fi
done
