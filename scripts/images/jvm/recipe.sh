# shellcheck shell=bash disable=SC2034,SC2154
# A JVM service: [java, -cp, /app, Ticker]. The runtime is cut down to java.base.
packages=(default-jdk-headless)
keep_in_image() {
  local home launcher
  home=$(cd "$unpacked" && printf '%s\n' usr/lib/jvm/java-*-openjdk-*/bin/jlink)
  home=/${home%/bin/jlink}
  mount --bind /proc "$unpacked/proc" 2>/dev/null || { mkdir -p "$unpacked/proc" && mount --bind /proc "$unpacked/proc"; }
  cp "$here/jvm/Ticker.java" "$unpacked/tmp/"
  {
    in_packages "$home/bin/javac" -d /tmp/classes /tmp/Ticker.java
    in_packages "$home/bin/jlink" --add-modules java.base --strip-debug --no-man-pages --no-header-files --output /tmp/java
    in_packages /tmp/java/bin/java -Xshare:dump >/dev/null
  } || { umount "$unpacked/proc"; return 1; }
  umount "$unpacked/proc"
  cp "$unpacked"/tmp/classes/*.class "$image/app/"
  keep /tmp/java
  mkdir -p "$image/opt"
  mv "$image/tmp/java" "$image/opt/java"
  ln -s /opt/java/bin/java "$image/usr/bin/java"
}
