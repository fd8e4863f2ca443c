# shellcheck shell=bash disable=SC2034,SC2154
# A JVM service: [java, -cp, /app, Ticker]. The runtime is cut down to java.base.
packages=(default-jdk-headless)
library_path=/tmp/java/lib:/tmp/java/lib/server
keep_in_image() {
  local home
  home=$(readlink -f "$unpacked/usr/lib/jvm/default-java")
  home=/${home#"$unpacked/"}
  cp "$here/jvm/Ticker.java" "$unpacked/tmp/"
  in_packages "$home/bin/javac" -d /tmp/classes /tmp/Ticker.java
  in_packages "$home/bin/jlink" --add-modules java.base --strip-java-debug-attributes --no-man-pages --no-header-files --output /tmp/java
  in_packages /tmp/java/bin/java -Xshare:dump >/dev/null
  cp "$unpacked"/tmp/classes/*.class "$image/app/"
  keep /tmp/java
  mkdir -p "$image/opt"
  mv "$image/tmp/java" "$image/opt/java"
  ln -s /opt/java/bin/java "$image/usr/bin/java"
}
