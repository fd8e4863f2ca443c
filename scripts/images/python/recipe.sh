# shellcheck shell=bash disable=SC2034,SC2154
# A Python service with threads: [python3, /app/ticker.py].
packages=(python3-minimal libpython3-stdlib)
keep_in_image() { python_runtime; }
