# shellcheck shell=bash disable=SC2034,SC2154
# A program that writes to a database of SQLite: [python3, /app/ledger.py].
packages=(python3-minimal libpython3-stdlib libsqlite3-0)
keep_in_image() {
  python_runtime
  local module
  module=$(cd "$unpacked" && printf '/%s\n' usr/lib/python3.*/lib-dynload/_sqlite3.*.so)
  cp -a "$unpacked${module%/lib-dynload/*}/sqlite3" "$image${module%/lib-dynload/*}/"
  keep "$module"
}
