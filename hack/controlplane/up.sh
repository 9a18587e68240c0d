#!/usr/bin/env bash
# A control plane to develop against, on loopback: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and KWOK, the
# same binaries and flags as in the end-to-end suite. Prints its kubeconfig, runs until Ctrl-C, and leaves nothing behind.
# Nodes are objects of your own; those with the annotation kwok.x-k8s.io/node=fake become Ready.
#
#   hack/controlplane/up.sh                              build what is missing, start, print KUBECONFIG
#   HELIOTROPE_CONTROLPLANE=DIR hack/controlplane/up.sh  with given binaries
#   HELIOTROPE_UP_READY=FILE hack/controlplane/up.sh     write the kubeconfig's path to FILE once everything is up
set -euo pipefail
cd "$(dirname "$0")/../.."
HELIOTROPE_CONTROLPLANE=${HELIOTROPE_CONTROLPLANE:-$(hack/controlplane/build.sh)}
HELIOTROPE_CONTROLPLANE=$(realpath "$HELIOTROPE_CONTROLPLANE")
export HELIOTROPE_CONTROLPLANE
unset HELIOTROPE_E2E_KUBECONFIG

# The suite's own binary, and not Cargo: a signal must reach the one who can clean up.
binary=$(cargo test --test e2e --locked --no-run --message-format=json |
  sed -n 's/.*"kind":\["test"\].*"name":"e2e".*"executable":"\([^"]*\)".*/\1/p')
[ -x "$binary" ] || { echo "the end-to-end suite was not built" >&2; exit 1; }
exec "$binary" --ignored --nocapture --exact up::up_until_interrupted
