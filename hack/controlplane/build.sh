#!/usr/bin/env bash
# Builds the real control plane from its pinned Go modules and prints the folder that holds the binaries.
# The folder is keyed by every go.sum, this script and the Go version: a second run builds nothing.
# Progress goes to stderr; stdout is the folder alone.
#
#   hack/controlplane/build.sh                  build what is missing, print the folder
#   HELIOTROPE_CACHE=DIR hack/controlplane/build.sh   keep the binaries under DIR (default: ~/.cache/heliotrope)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${HELIOTROPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/heliotrope}
key=$({ cat "$here"/*/go.sum "$here"/echo/* "$0"; go env GOVERSION GOOS GOARCH; } | sha256sum | cut -c1-16)
bin=$cache/controlplane/$key
mkdir -p "$bin/stages"

say() { printf '%s\n' "$*" >&2; }

version_of() { # module folder -> 1.37.2
  (cd "$here/$1" && go list -m -f '{{.Version}}' k8s.io/kubernetes) | sed 's/^v//'
}

build() { # folder, output name, package, ldflags
  local out=$bin/$2
  [ -x "$out" ] && return 0
  local from=$SECONDS
  say "building $2 …"
  (cd "$here/$1" && go build -trimpath -mod=readonly -ldflags "-s -w ${4:-}" -o "$out.part" "$3")
  mv "$out.part" "$out"
  say "built    $2 in $((SECONDS - from)) s"
}

stamp() { # version: without it the server reports a placeholder version
  local pkg=k8s.io/component-base/version minor
  minor=$(cut -d. -f2 <<<"$1")
  printf -- '-X %s.gitVersion=v%s -X %s.gitMajor=1 -X %s.gitMinor=%s' $pkg "$1" $pkg $pkg "$minor"
}

current=$(version_of current)
oldest=$(version_of oldest)
before=$(version_of before-1.33)
build echo echo-extender .
build current kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler "$(stamp "$current")"
build current kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "$(stamp "$current")"
build current kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager "$(stamp "$current")"
build current etcd go.etcd.io/etcd/server/v3
build kwok kwok sigs.k8s.io/kwok/cmd/kwok
build oldest kube-scheduler-oldest k8s.io/kubernetes/cmd/kube-scheduler "$(stamp "$oldest")"
# Only its autoscaler is run: before 1.33 it rounds its tolerance otherwise.
build before-1.33 kube-controller-manager-before-1.33 k8s.io/kubernetes/cmd/kube-controller-manager "$(stamp "$before")"

# KWOK exits without stage files and carries them in its module, not in its binary.
kwok=$(cd "$here/kwok" && go mod download -json sigs.k8s.io/kwok | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease \
  pod/fast/pod-ready pod/fast/pod-complete pod/fast/pod-delete; do
  install -m 0644 "$kwok/kustomize/stage/$stage.yaml" "$bin/stages/$(basename "$stage").yaml"
done
printf 'current=%s\noldest=%s\nbefore-1.33=%s\n' "$current" "$oldest" "$before" >"$bin/versions"
printf '%s\n' "$bin"
