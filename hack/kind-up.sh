#!/usr/bin/env bash
# Brings Heliotrope as it is shipped (deploy/kustomize/base) onto a kind cluster of three regions, starts eight pods that ask for
# GPUs, and prints where they landed. Needs Docker, kind and kubectl. docs/testing.md says how far this was tried.
#
#   hack/kind-up.sh           create the cluster if it is not there, build and load the image, deploy, show
#   hack/kind-up.sh --down    delete the cluster
set -euo pipefail
cd "$(dirname "$0")/.."
name=${HELIOTROPE_KIND_CLUSTER:-heliotrope}
gpus=8

for tool in docker kind kubectl; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 1; }
done
docker info >/dev/null 2>&1 || { echo "no Docker daemon answers" >&2; exit 1; }

case "${1:-}" in
  "") ;;
  --down) exec kind delete cluster --name "$name" ;;
  *) echo "unknown argument $1; see the head of hack/kind-up.sh" >&2; exit 2 ;;
esac

if ! kind get clusters 2>/dev/null | grep -qx "$name"; then
  kind create cluster --name "$name" --config hack/kind/cluster.yaml --wait 120s
fi
kube() { kubectl --context "kind-$name" "$@"; }

# GPUs without a device plugin: the kubelet keeps extended resources that somebody wrote into the node's status.
for node in $(kube get nodes -l nvidia.com/gpu.product -o name); do
  kube patch "$node" --subresource=status --type=json \
    -p "[{\"op\": \"add\", \"path\": \"/status/capacity/nvidia.com~1gpu\", \"value\": \"$gpus\"}]"
done

docker build -f deploy/Dockerfile -t heliotrope:kind .
kind load docker-image --name "$name" heliotrope:kind

# kube-scheduler has the cluster's own version.
version=$(kube version -o json | sed -n '/"serverVersion"/,/}/s/.*"gitVersion": "\([^"]*\)".*/\1/p')
overlay=$(mktemp -d hack/kind.XXXXXX)
trap 'rm -rf "$overlay"' EXIT
cp hack/kind/kustomization.yaml hack/kind/heliotrope.yaml "$overlay/"
cat >>"$overlay/kustomization.yaml" <<END
images:
- name: heliotrope
  newTag: kind
- name: registry.k8s.io/kube-scheduler
  newTag: $version
END
kube apply -k "$overlay"
kube -n heliotrope-system rollout status deployment/heliotrope-scheduler --timeout=180s

kube apply -f hack/kind/work.yaml
kube rollout status deployment/work --timeout=120s
echo
echo "pods by region (FR is europe-west9, the greenest of the three):"
for node in $(kube get pods -l app=work -o jsonpath='{range .items[*]}{.spec.nodeName}{"\n"}{end}'); do
  kube get node "$node" -o jsonpath='{.metadata.labels.topology\.kubernetes\.io/region}{"\n"}'
done | sort | uniq -c
echo
echo "why:  kubectl --context kind-$name -n heliotrope-system port-forward deploy/heliotrope-scheduler 8651"
echo "      heliotrope explain default/POD"
