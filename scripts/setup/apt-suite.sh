# shellcheck shell=bash
# To be sourced: a second, private apt that reads one suite of this machine's own Debian mirror and thinks that
# nothing is installed, so that packages can be unpacked aside without touching the system.

# source_for_suite SUITE: the machine's own main source, as a deb822 stanza, with its suite replaced by SUITE.
# Mirror, keyring and options are the machine's, whichever of apt's two formats they are written in.
source_for_suite() {
  local codename stanza
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  stanza=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v suite="$1" -v codename="$codename" '
    BEGIN { RS = ""; FS = "\n" }
    {
      uses = 0; main = 0; binary = 0; off = 0; out = ""; skip = 0
      for (i = 1; i <= NF; i++) {
        if ($i ~ /^#/) continue
        if ($i !~ /^[ \t]/) skip = 0
        low = tolower($i)
        if (low ~ /^suites:/) { n = split($i, w, /[ \t]+/); for (j = 2; j <= n; j++) if (w[j] == codename) uses = 1; skip = 1 }
        if (low ~ /^components:/) { n = split($i, w, /[ \t]+/); for (j = 2; j <= n; j++) if (w[j] == "main") main = 1; skip = 1 }
        if (low ~ /^types:/) { binary = ($i ~ /(^|[ \t])deb([ \t]|$)/); skip = 1 }
        if (low ~ /^enabled:[ \t]*no/) off = 1
        if (!skip) out = out $i "\n"
      }
      if (uses && main && binary && !off) { printf "Types: deb\nSuites: %s\nComponents: main\n%s", suite, out; exit }
    }')
  [ -n "$stanza" ] || stanza=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    awk -v suite="$1" -v codename="$codename" '
      $1 == "deb" {
        line = $0; options = ""
        if (match(line, /\[[^]]*\]/)) { options = substr(line, RSTART + 1, RLENGTH - 2); line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH) }
        n = split(line, w, /[ \t]+/); main = 0
        for (i = 4; i <= n; i++) if (w[i] == "main") main = 1
        if (w[3] != codename || !main) next
        printf "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", w[2], suite
        n = split(options, o, /[ \t]+/)
        for (i = 1; i <= n; i++) {
          if (o[i] ~ /^signed-by=/) { sub(/^signed-by=/, "", o[i]); print "Signed-By: " o[i] }
          if (o[i] ~ /^trusted=/) { sub(/^trusted=/, "", o[i]); print "Trusted: " o[i] }
        }
        exit
      }')
  [ -n "$stanza" ] || { echo "no source of Debian's \"$codename main\" in /etc/apt/sources.list or sources.list.d" >&2; return 1; }
  printf '%s\n' "$stanza"
}

# private_apt_setup DIR SUITE: prepares DIR and reads the suite's index; afterwards `private_apt` works in it.
private_apt_setup() {
  local dir=$1 suite=$2
  mkdir -p "$dir/sources" "$dir/lists/partial" "$dir/cache/archives/partial"
  source_for_suite "$suite" >"$dir/sources/suite.sources" || return 1
  private_apt_options=(
    -qq -oDir::Etc::sourcelist=/dev/null -oDir::Etc::sourceparts="$dir/sources" -oDir::Etc::preferencesparts=/dev/null
    -oDir::State::lists="$dir/lists" -oDir::State::status=/dev/null -oDir::State::extended_states="$dir/extended_states"
    -oDir::Cache="$dir/cache" -oDir::Cache::archives="$dir/cache/archives" -oAPT::Sandbox::User=root
    -oAcquire::Languages=none -oAcquire::Retries=3 -oAcquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
    -oAPT::Update::Post-Invoke::=true -oDebug::NoLocking=1
  )
  private_apt update
}

private_apt() { apt-get "${private_apt_options[@]}" "$@"; }

# unpack_packages ROOT PACKAGE…: downloads the packages with everything they depend on and unpacks it all in ROOT.
unpack_packages() {
  local root=$1 deb
  shift
  mkdir -p "$root"
  private_apt install -y --no-install-recommends --download-only "$@" || return 1
  for deb in "${private_apt_options[@]}"; do
    case $deb in -oDir::Cache::archives=*) deb=${deb#*=}; break ;; esac
  done
  for deb in "$deb"/*.deb; do dpkg -x "$deb" "$root" || return 1; done
}
