# shellcheck shell=bash disable=SC2034,SC2154
# Debian's redis: [redis-server, --bind, 127.0.0.1], and redis-cli to look inside.
packages=(redis-server)
keep_in_image() {
  # Debian's redis-server is a link to redis-check-rdb: one program that goes by its name
  keep /usr/bin/redis-check-rdb /usr/bin/redis-cli
  mv "$image/usr/bin/redis-check-rdb" "$image/usr/bin/redis-server"
  mkdir -p "$image/data"
}
