#!/usr/bin/env bash
# Builds the servers of the metrics APIs, metrics-server and an adapter for custom metrics, from their pinned Go modules and
# prints the folder that holds them. The folder is keyed by go.sum, the adapter, this script and the Go version: a second run
# builds nothing. Progress goes to stderr; stdout is the folder alone.
#
#   hack/metrics/build.sh                         build what is missing, print the folder
#   hack/metrics/build.sh --built                 build nothing; exit code 0 if it was built before
#   HELIOTROPE_CACHE=DIR hack/metrics/build.sh    keep the binaries under DIR (default: ~/.cache/heliotrope)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${HELIOTROPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/heliotrope}
key=$({ cat "$here/go.mod" "$here/go.sum" "$here"/adapter/* "$0"; go env GOVERSION GOOS GOARCH; } | sha256sum | cut -c1-16)
bin=$cache/metrics/$key
mkdir -p "$bin"
if [ "${1:-}" = --built ]; then
  [ -x "$bin/metrics-server" ] && [ -x "$bin/custom-metrics-adapter" ]
  exit
fi

say() { printf '%s\n' "$*" >&2; }

build() { # output name, package
  local out=$bin/$1
  [ -x "$out" ] && return 0
  local from=$SECONDS
  say "building $1 …"
  (cd "$here" && nice go build -trimpath -mod=readonly -ldflags "-s -w" -o "$out.part" "$2")
  mv "$out.part" "$out"
  say "built    $1 in $((SECONDS - from)) s"
}

build metrics-server sigs.k8s.io/metrics-server/cmd/metrics-server
build custom-metrics-adapter ./adapter
(cd "$here" && go list -m -f '{{.Path}}={{.Version}}' sigs.k8s.io/metrics-server sigs.k8s.io/custom-metrics-apiserver) >"$bin/versions"
printf '%s\n' "$bin"
