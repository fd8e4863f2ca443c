# shellcheck shell=bash disable=SC2034,SC2154
# Debian's PostgreSQL with a fresh database, both as uid 1000: [postgres, -D, /data]; psql -U postgres -h /tmp to look inside.
only_when_named=yes
packages=(postgresql)
keep_in_image() {
  local programs version
  programs=$(cd "$unpacked" && printf '/%s\n' usr/lib/postgresql/*/bin)
  version=$(basename "${programs%/bin}")
  # not all of its library: what compiles queries alone loads 120 MB
  keep "$programs"/{postgres,initdb,psql} "${programs%/bin}"/lib/{plpgsql,dict_snowball}.so "/usr/share/postgresql/$version"
  rm -rf "$image/usr/share/postgresql/$version"/{extension,man}
  keep "/usr/share/postgresql/$version/extension"/plpgsql{.control,--1.0.sql} /usr/share/zoneinfo/{UTC,Etc}
  local program
  for program in postgres initdb psql; do ln -s "../lib/postgresql/$version/bin/$program" "$image/usr/bin/$program"; done
  echo 'postgres:x:1000:1000::/data:/bin/sh' >>"$image/etc/passwd"
  echo 'postgres:x:1000:' >>"$image/etc/group"
  install -d -m 700 -o 1000 -g 1000 "$image/data"
  # Its start needs /dev/null and a random number; the mounts are gone with their namespace.
  # shellcheck disable=SC2016  # the inner shell expands it
  unshare --mount "$BASH" -c 'mount --rbind /dev "$0/dev" && mount --bind /proc "$0/proc" && exec chroot --userspec=1000:1000 "$0" \
    /usr/bin/initdb -D /data -U postgres --no-locale -E UTF8 --auth=trust --no-sync --wal-segsize=1' "$image" >/dev/null
  cat >>"$image/data/postgresql.conf" <<'CONF'
unix_socket_directories = '/tmp'
listen_addresses = '127.0.0.1'
shared_buffers = 16MB
jit = off
max_connections = 20
CONF
}
