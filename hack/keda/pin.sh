#!/usr/bin/env bash
# Writes hack/keda/go.mod and go.sum for the version named below. Run it when the version changes; commit what it writes.
# Building is build.sh.
set -euo pipefail
cd "$(dirname "$0")"

KEDA=2.21.0

upstream=$(go mod download -json "github.com/kedacore/keda/v2@v$KEDA" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
rm -f go.mod go.sum
go mod init heliotrope.dev/hack/keda 2>/dev/null
go mod edit -go="$(awk '$1 == "go" { print $2; exit }' "$upstream")" -require "github.com/kedacore/keda/v2@v$KEDA"
# What a module replaces or excludes has no effect in one that requires it, so each of KEDA's own lines is taken over.
sed -n 's/^replace \(.*\) => \(.*\)$/\1=\2/p' "$upstream" | tr ' ' '@' | while read -r pair; do go mod edit -replace "$pair"; done
sed -n 's/^exclude //p' "$upstream" | tr ' ' '@' | while read -r version; do go mod edit -exclude "$version"; done
go mod edit -tool github.com/kedacore/keda/v2/cmd/operator -tool github.com/kedacore/keda/v2/cmd/adapter
go mod tidy
