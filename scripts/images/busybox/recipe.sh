# shellcheck shell=bash disable=SC2034,SC2154
# The smallest image: busybox alone, with a stream service in shell (PORT 7000, one numbered line every 50 ms).
packages=()
keep_in_image() { :; }
