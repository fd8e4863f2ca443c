# shellcheck shell=bash disable=SC2034,SC2154
# Debian's nginx serving one static page on port 80: [nginx, -c, /app/nginx.conf].
packages=(nginx)
keep_in_image() {
  keep /usr/sbin/nginx
  mkdir -p "$image/var/log/nginx" "$image/var/lib/nginx" "$image/srv"
  echo 'served by nginx' >"$image/srv/index.html"
}
