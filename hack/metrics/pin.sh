#!/usr/bin/env bash
# Writes go.mod and go.sum of this folder for the versions named below. Run it when one changes; commit what it writes.
# Building is build.sh.
set -euo pipefail
cd "$(dirname "$0")"

METRICS_SERVER=0.9.0
# The library that adapters for custom metrics are made of, and the provider of its own tests. It follows Kubernetes' minors.
CUSTOM_METRICS=1.37.0

# Both link Kubernetes' libraries. They are the control plane's, to the patch, so that most of them are built already.
kubernetes=$(cd ../controlplane/current && go list -m -f '{{.Version}}' k8s.io/kubernetes)

rm -f go.mod go.sum
go mod init heliotrope.dev/hack/metrics 2>/dev/null
go mod edit -require "sigs.k8s.io/metrics-server@v$METRICS_SERVER" -tool sigs.k8s.io/metrics-server/cmd/metrics-server \
  -require "sigs.k8s.io/custom-metrics-apiserver@v$CUSTOM_METRICS"
for library in api apimachinery apiserver client-go component-base kms metrics streaming; do
  go mod edit -require "k8s.io/$library@v0.${kubernetes#v1.}"
done
go mod tidy
