#!/usr/bin/env bash
# Writes hack/controlplane/{current,oldest,before-1.33,kwok}/go.mod and go.sum for the versions named below.
# Run it when a version changes; commit what it writes. Building is build.sh.
set -euo pipefail
cd "$(dirname "$0")"

CURRENT=1.37.2   # newest minor the e2e suite proves
OLDEST=1.33.13   # oldest minor the README supports
BEFORE=1.32.13   # last minor whose autoscaler compares with a distance from the target, not with a range
KWOK=0.8.0

# Kubernetes names its own staging modules at v0.0.0 and replaces them with folders. A consumer has to
# name the published version of each, so the list is read from that go.mod instead of being kept here.
pin_kubernetes() { # folder, version, tool packages…
  local dir=$1 version=$2; shift 2
  mkdir -p "$dir"
  rm -f "$dir/go.mod" "$dir/go.sum"
  (
    cd "$dir"
    go mod init "heliotrope.dev/hack/controlplane/$dir" 2>/dev/null
    local upstream
    upstream=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
    go mod edit -go="$(awk '$1 == "go" { print $2; exit }' "$upstream")" -require "k8s.io/kubernetes@v$version"
    awk '$2 == "v0.0.0" { print $1 }' "$upstream" | sort -u | while read -r module; do
      go mod edit -replace "$module=$module@v0.${version#1.}"
    done
    for pair in ${REPLACE:-}; do go mod edit -replace "$pair"; done
    local package
    for package in "$@"; do go mod edit -tool "$package"; done
    go mod tidy
  )
}

pin_kubernetes current "$CURRENT" \
  k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager \
  k8s.io/kubernetes/cmd/kube-scheduler go.etcd.io/etcd/server/v3
pin_kubernetes oldest "$OLDEST" k8s.io/kubernetes/cmd/kube-scheduler
# The module proxy has no endpointslice of the last patch; the autoscaler does not use it.
REPLACE=k8s.io/endpointslice=k8s.io/endpointslice@v0.32.12 \
  pin_kubernetes before-1.33 "$BEFORE" k8s.io/kubernetes/cmd/kube-controller-manager

mkdir -p kwok
rm -f kwok/go.mod kwok/go.sum
(
  cd kwok
  go mod init heliotrope.dev/hack/controlplane/kwok 2>/dev/null
  go mod edit -require "sigs.k8s.io/kwok@v$KWOK" -tool sigs.k8s.io/kwok/cmd/kwok
  go mod tidy
)
