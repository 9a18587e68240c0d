#!/usr/bin/env bash
# Builds KEDA's operator and metrics adapter from their pinned Go module and prints the folder that holds them, with KEDA's
# custom resource definitions in its folder `crds`. The folder is keyed by go.sum, this script and the Go version: a second
# run builds nothing. Progress goes to stderr; stdout is the folder alone.
#
#   hack/keda/build.sh                         build what is missing, print the folder
#   hack/keda/build.sh --built                 build nothing; exit code 0 if it was built before
#   HELIOTROPE_CACHE=DIR hack/keda/build.sh    keep the binaries under DIR (default: ~/.cache/heliotrope)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${HELIOTROPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/heliotrope}
key=$({ cat "$here/go.mod" "$here/go.sum" "$0"; go env GOVERSION GOOS GOARCH; } | sha256sum | cut -c1-16)
bin=$cache/keda/$key
mkdir -p "$bin/crds"
if [ "${1:-}" = --built ]; then
  [ -x "$bin/keda-operator" ] && [ -x "$bin/keda-adapter" ]
  exit
fi

say() { printf '%s\n' "$*" >&2; }

build() { # the last part of the package's path, output name
  local out=$bin/$2
  [ -x "$out" ] && return 0
  local from=$SECONDS
  say "building $2 …"
  # The operator links the client of every cloud that KEDA can read, which takes minutes.
  (cd "$here" && go build -trimpath -mod=readonly -ldflags "-s -w" -o "$out.part" "github.com/kedacore/keda/v2/cmd/$1")
  mv "$out.part" "$out"
  say "built    $2 in $((SECONDS - from)) s"
}

build operator keda-operator
build adapter keda-adapter

module=$(cd "$here" && go mod download -json github.com/kedacore/keda/v2 | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
install -m 0644 "$module"/config/crd/bases/*.yaml "$bin/crds/"
printf '%s\n' "$bin"
