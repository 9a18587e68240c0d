#!/usr/bin/env bash
# Brings Heliotrope as it is shipped (deploy/kustomize/base) onto a kind cluster of three regions, starts eight pods that ask for
# GPUs, prints where they landed, and then runs the end-to-end suite as a guest on that cluster. Needs Docker, kind and kubectl,
# and for the suite what hack/test.sh needs. docs/testing.md says how far this was tried.
#
#   hack/kind-up.sh [NAME …]   create the cluster if it is not there, build and load the image, deploy, show, run the suite or
#                              its scenarios of these names
#   hack/kind-up.sh --no-e2e   the same without the suite
#   hack/kind-up.sh --down     delete the cluster
set -euo pipefail
cd "$(dirname "$0")/.."
name=${HELIOTROPE_KIND_CLUSTER:-heliotrope}
gpus=8

for tool in docker kind kubectl; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 1; }
done
docker info >/dev/null 2>&1 || { echo "no Docker daemon answers" >&2; exit 1; }

e2e=yes
case "${1:-}" in
  --down) exec kind delete cluster --name "$name" ;;
  --no-e2e) e2e=no ;;
  -*) echo "unknown argument $1; see the head of hack/kind-up.sh" >&2; exit 2 ;;
esac

work=$(mktemp -d hack/kind.XXXXXX)
trap 'rm -rf "$work"' EXIT

if ! kind get clusters 2>/dev/null | grep -qx "$name"; then
  kind create cluster --name "$name" --config hack/kind/cluster.yaml --wait 120s
fi
kube() { kubectl --context "kind-$name" "$@"; }

# GPUs without a device plugin: the kubelet keeps extended resources that somebody wrote into the node's status. The suite's own
# nodes, should an interrupted run have left some, have theirs.
for node in $(kube get nodes -l 'nvidia.com/gpu.product,!heliotrope-e2e' -o name); do
  kube patch "$node" --subresource=status --type=json \
    -p "[{\"op\": \"add\", \"path\": \"/status/capacity/nvidia.com~1gpu\", \"value\": \"$gpus\"}]"
done

docker build -f deploy/Dockerfile -t heliotrope:kind .
kind load docker-image --name "$name" heliotrope:kind

# kube-scheduler has the cluster's own version.
version=$(kube version -o json | sed -n '/"serverVersion"/,/}/s/.*"gitVersion": "\([^"]*\)".*/\1/p')
cp hack/kind/kustomization.yaml hack/kind/heliotrope.yaml "$work/"
cat >>"$work/kustomization.yaml" <<END
images:
- name: heliotrope
  newTag: kind
- name: registry.k8s.io/kube-scheduler
  newTag: $version
END
kube apply -k "$work"
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
[ $e2e = yes ] || exit 0

kind get kubeconfig --name "$name" >"$work/kubeconfig"

# The suite runs kube-scheduler on this machine. It must not be newer than the API server, so it is the cluster's own, taken
# from where it runs.
given=$(realpath "${HELIOTROPE_CONTROLPLANE:-$(hack/controlplane/build.sh)}")
mkdir "$work/controlplane"
ln -s "$given"/* "$work/controlplane/"
rm -f "$work/controlplane/kube-scheduler" "$work/controlplane/versions"
# shellcheck disable=SC2016 # the control plane's shell is to find it
docker exec "$name-control-plane" sh -c 'cat "/proc/$(pidof kube-scheduler)/exe"' >"$work/controlplane/kube-scheduler"
chmod +x "$work/controlplane/kube-scheduler"
{ echo "current=${version#v}"; sed -n '/^oldest=/p' "$given/versions"; } >"$work/controlplane/versions"

export HELIOTROPE_CONTROLPLANE=$work/controlplane HELIOTROPE_E2E_KUBECONFIG=$work/kubeconfig HELIOTROPE_E2E_SCHEDULER=heliotrope
hack/test.sh --only-e2e "$@"
