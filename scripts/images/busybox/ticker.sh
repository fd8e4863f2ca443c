#!/bin/sh
# Streams one numbered line every 50 ms to each connection on port 7000; one process per connection.
if [ "$1" = stream ]; then
  n=0
  while :; do
    n=$((n + 1))
    echo "$n" || exit 0
    usleep 50000
  done
fi
trap 'kill $!; exit 0' TERM INT
nc -ll -p "${PORT:-7000}" -e "$0" stream &
wait $!
