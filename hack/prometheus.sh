#!/usr/bin/env bash
# Unpacks Debian's prometheus package into the cache, without installing it, and prints the path of its binary.
# The folder is keyed by the package's version. Progress goes to stderr; stdout is the path alone.
#
#   hack/prometheus.sh                  download and unpack what is missing, print the path
#   HELIOTROPE_CACHE=DIR hack/prometheus.sh   keep it under DIR (default: ~/.cache/heliotrope)
set -euo pipefail
cache=${HELIOTROPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/heliotrope}

say() { printf '%s\n' "$*" >&2; }

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  say "this is not a Debian: set HELIOTROPE_PROMETHEUS to a prometheus binary instead"
  exit 1
fi

candidate() { apt-cache policy prometheus 2>/dev/null | sed -n 's/^ *Candidate: //p'; }

version=$(candidate)
if [ -z "$version" ] || [ "$version" = "(none)" ]; then
  # A fresh machine or container has no package lists yet; fetching them takes root.
  if [ "$(id -u)" = 0 ]; then
    apt-get update >&2
    version=$(candidate)
  fi
  if [ -z "$version" ] || [ "$version" = "(none)" ]; then
    say "the package lists know no prometheus: run 'apt-get update' as root, or set HELIOTROPE_PROMETHEUS"
    exit 1
  fi
fi

folder=$cache/prometheus/$version
binary=$folder/usr/bin/prometheus
if [ ! -x "$binary" ]; then
  part=$(mktemp -d)
  trap 'rm -rf "$part"' EXIT
  chmod 755 "$part" # apt downloads as its own user
  say "downloading prometheus $version …"
  (cd "$part" && { apt-get download "prometheus=$version" || { [ "$(id -u)" = 0 ] && apt-get update && apt-get download prometheus; }; }) >&2
  rm -rf "$folder"
  mkdir -p "$folder"
  dpkg-deb -x "$part"/prometheus_*.deb "$folder"
fi
"$binary" --version >/dev/null 2>&1 || { say "$binary does not run here"; exit 1; }
printf '%s\n' "$binary"
