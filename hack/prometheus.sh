#!/usr/bin/env bash
# Unpacks Debian's prometheus package, or the one named, into the cache, without installing it, and prints the path of its binary.
# The folder is keyed by the package's version. Progress goes to stderr; stdout is the path alone.
#
#   hack/prometheus.sh                  download and unpack what is missing, print the path
#   hack/prometheus.sh prometheus-node-exporter
#   HELIOTROPE_CACHE=DIR hack/prometheus.sh   keep it under DIR (default: ~/.cache/heliotrope)
set -euo pipefail
package=${1:-prometheus}
cache=${HELIOTROPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/heliotrope}

say() { printf '%s\n' "$*" >&2; }

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  say "this is not a Debian: give a $package binary of your own instead"
  exit 1
fi

candidate() { apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: //p'; }

version=$(candidate)
if [ -z "$version" ] || [ "$version" = "(none)" ]; then
  # A fresh machine or container has no package lists yet; fetching them takes root.
  if [ "$(id -u)" = 0 ]; then
    apt-get update >&2
    version=$(candidate)
  fi
  if [ -z "$version" ] || [ "$version" = "(none)" ]; then
    say "the package lists know no $package: run 'apt-get update' as root, or give a binary of your own"
    exit 1
  fi
fi

folder=$cache/$package/$version
binary=$folder/usr/bin/$package
if [ ! -x "$binary" ]; then
  part=$(mktemp -d)
  trap 'rm -rf "$part"' EXIT
  chmod 755 "$part" # apt downloads as its own user
  say "downloading $package $version …"
  (cd "$part" && { apt-get download "$package=$version" || { [ "$(id -u)" = 0 ] && apt-get update && apt-get download "$package"; }; }) >&2
  rm -rf "$folder"
  mkdir -p "$folder"
  dpkg-deb -x "$part"/"$package"_*.deb "$folder"
fi
"$binary" --version >/dev/null 2>&1 || { say "$binary does not run here"; exit 1; }
printf '%s\n' "$binary"
