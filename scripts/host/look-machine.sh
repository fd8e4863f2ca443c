# Tells what a machine is, as lines key=value, and changes nothing; another script stands behind it and tells more. Its arguments are
# the files to look at.
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
say() { printf '%s=%s\n' "$1" "$2"; }
say uid "$(id -u)"
ID='' ID_LIKE='' VERSION_ID='' PRETTY_NAME=''
[ ! -r /etc/os-release ] || . /etc/os-release
say distribution "$ID"
say like "$ID_LIKE"
say system "${PRETTY_NAME:-$ID}"
say kernel "$(uname -r)"
say architecture "$(uname -m)"
say flags "$(sed -n 's/^\(flags\|Features\)[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
say cores "$(grep -c '^processor' /proc/cpuinfo)"
say memory "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
if [ -d /run/systemd/system ]; then say init systemd; else say init script; fi
for folder in /opt /var/lib /etc /usr; do say "free.$folder" "$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"; done
for program in apt-get dnf rsync nft ip tc conmon busybox criu runc patchelf ssh sshd sysctl ps zstd xz nsenter flock tar awk wg wireguard-go; do
  found=$(command -v "$program") && say "program.$program" "$found"
done
for file; do
  [ ! -f "$file" ] || say "file.$file" "$(stat -c %a "$file") $(sha256sum "$file" | cut -d' ' -f1) $(stat -c %U "$file")"
done
