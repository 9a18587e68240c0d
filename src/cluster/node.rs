use super::{amounts, sharing};
use heliotrope_core::gpu::GpuResource;
use heliotrope_core::snapshot::NodeFacts;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The well-known label of what fails together.
const TOPOLOGY_ZONE: &str = "topology.kubernetes.io/zone";

/// Which node labels say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Region.
    pub region: String,
    /// Grid zone, overriding the region table.
    pub zone: String,
    /// GPU model; the first that a node has counts.
    pub gpu_products: Vec<String>,
    /// Node pool.
    pub pool: String,
    /// Labels that power domains are made of.
    pub domains: Vec<Arc<str>>,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            region: "topology.kubernetes.io/region".to_owned(),
            zone: "heliotrope.dev/grid-zone".to_owned(),
            gpu_products: [
                "nvidia.com/gpu.product",
                "amd.com/gpu.product-name",
                "cloud.google.com/gke-accelerator",
            ]
            .map(str::to_owned)
            .to_vec(),
            pool: "node.kubernetes.io/pool".to_owned(),
            domains: Vec::new(),
        }
    }
}

/// A Node, cut to what decisions read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LeanNode {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    unschedulable: bool,
    #[serde(default, rename = "providerID")]
    provider_id: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Status {
    #[serde(default)]
    allocatable: BTreeMap<String, String>,
}

impl LeanNode {
    /// The node's facts; `None` for an object without a name. A label that is not a legal name counts as absent.
    #[must_use]
    pub fn facts(&self, labels: &Labels) -> Option<NodeFacts> {
        let name = self.metadata.name.as_deref()?;
        let label = |key: &str| self.metadata.labels.as_ref()?.get(key).map(String::as_str);
        let allocatable = |key: &str| self.status.allocatable.get(key).map(String::as_str);
        let gpus = self.status.allocatable.iter().filter_map(|(name, amount)| {
            let units = u32::try_from(amounts::whole(amount)?).ok().filter(|units| *units > 0)?;
            Some((GpuResource::parse(name)?, units))
        });
        let gpus: Vec<(GpuResource, u32)> = gpus.collect();
        let product = labels.gpu_products.iter().find_map(|key| label(key));
        let stated = sharing::Stated {
            labels: self.metadata.labels.as_ref(),
            annotations: self.metadata.annotations.as_ref(),
            allocatable: &self.status.allocatable,
            product,
        };
        Some(NodeFacts {
            name: Arc::from(name),
            region: label(&labels.region).and_then(|text| text.parse().ok()),
            topology_zone: label(TOPOLOGY_ZONE).map(Arc::from),
            provider: self.spec.provider_id.as_deref().and_then(provider).map(Arc::from),
            zone: label(&labels.zone).and_then(|text| text.parse().ok()),
            gpu_product: product.map(Arc::from),
            gpu_sharing: stated.read(&gpus),
            gpus,
            devices: None,
            cpu_milli: allocatable("cpu").and_then(amounts::milli).unwrap_or(0),
            memory_bytes: allocatable("memory").and_then(amounts::whole).unwrap_or(0),
            domain_labels: labels
                .domains
                .iter()
                .filter_map(|key| Some((Arc::clone(key), Arc::from(label(key)?))))
                .collect(),
            pool: label(&labels.pool).map(Arc::from),
            schedulable: !self.spec.unschedulable,
        })
    }
}

/// `aws:///eu-west-1a/i-0abc` → `aws`.
fn provider(id: &str) -> Option<&str> {
    id.split_once("://").map(|(scheme, _)| scheme)
}

impl kube::Resource for LeanNode {
    type DynamicType = ();
    type Scope = k8s_openapi::ClusterResourceScope;
    fn kind((): &()) -> Cow<'_, str> {
        Node::kind(&())
    }
    fn group((): &()) -> Cow<'_, str> {
        Node::group(&())
    }
    fn version((): &()) -> Cow<'_, str> {
        Node::version(&())
    }
    fn plural((): &()) -> Cow<'_, str> {
        Node::plural(&())
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_cut_to_its_facts() {
        let json = r#"{"metadata":{"name":"n1","labels":{"topology.kubernetes.io/region":"eu-west-1",
            "nvidia.com/gpu.product":"NVIDIA-L4-SHARED","nvidia.com/gpu.replicas":"4","heliotrope.dev/grid-zone":"not a zone!"}},
            "spec":{"providerID":"gce://project/zone/n1","unschedulable":true},
            "status":{"allocatable":{"cpu":"95500m","memory":"768Gi","nvidia.com/gpu":"16","pods":"110","amd.com/gpu":"0"}}}"#;
        let facts = serde_json::from_str::<LeanNode>(json)
            .unwrap()
            .facts(&Labels::default())
            .unwrap();
        assert_eq!(facts.gpus, vec![(GpuResource::NVIDIA, 16)]);
        assert_eq!(
            (facts.gpu_sharing.replicas, facts.cpu_milli, facts.schedulable),
            (4, 95_500, false)
        );
        assert_eq!(facts.provider.as_deref(), Some("gce"));
        assert_eq!(facts.zone, None, "a label that cannot be a zone counts as absent");
    }
}
