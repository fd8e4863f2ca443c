# shellcheck shell=bash disable=SC2034,SC2154
# The web half of the demo application: [python3, /app/shop-web.py].
packages=(python3-minimal libpython3-stdlib)
keep_in_image() { python_runtime; }
