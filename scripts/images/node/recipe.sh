# shellcheck shell=bash disable=SC2034,SC2154
# A Node service: [node, /app/ticker.cjs].
packages=(nodejs)
keep_in_image() {
  keep /usr/bin/node
  # Debian keeps parts of Node's own library outside the binary
  [ ! -d "$unpacked/usr/share/nodejs" ] || keep /usr/share/nodejs
}
