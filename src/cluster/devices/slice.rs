use heliotrope_core::gpu::{GpuUnit, GpuVendor, amd_partition, mig_slices};
use heliotrope_core::snapshot::{DeviceFacts, SliceFacts};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A ResourceSlice, cut to what decisions read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LeanSlice {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
}

super::resource!(
    LeanSlice,
    "ResourceSlice",
    "resourceslices",
    k8s_openapi::ClusterResourceScope
);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    driver: String,
    pool: Pool,
    node_name: Option<Arc<str>>,
    node_selector: Option<NodeSelector>,
    devices: Option<Vec<Device>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pool {
    name: String,
    generation: i64,
    resource_slice_count: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Device {
    name: Arc<str>,
    attributes: Option<BTreeMap<String, Attribute>>,
    consumes_counters: Option<Vec<Consumption>>,
    node_name: Option<Arc<str>>,
    node_selector: Option<NodeSelector>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Attribute {
    string: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Consumption {
    counter_set: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeSelector {
    node_selector_terms: Option<Vec<Term>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Term {
    match_fields: Option<Vec<Requirement>>,
    match_expressions: Option<Vec<Requirement>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Requirement {
    key: String,
    operator: String,
    values: Option<Vec<Arc<str>>>,
}

impl LeanSlice {
    /// The slice's facts; `None` for an object without a name and for drivers of other devices.
    #[must_use]
    pub fn facts(&self) -> Option<SliceFacts> {
        let spec = &self.spec;
        let vendor = GpuVendor::of_driver(&spec.driver)?;
        let (name, pool) = (self.metadata.name.as_deref()?, &spec.pool);
        let slices = usize::try_from(pool.resource_slice_count).unwrap_or(0);
        let whole = spec
            .node_name
            .clone()
            .or_else(|| spec.node_selector.as_ref()?.one_node());
        let devices = spec.devices.iter().flatten();
        let facts = devices.map(|device| device.facts(&spec.driver, whole.as_ref()));
        Some(
            SliceFacts::new(
                Arc::from(name),
                vendor,
                Arc::from(format!("{}/{}", spec.driver, pool.name)),
                (pool.generation, slices),
            )
            .with(facts.collect()),
        )
    }
}

impl Device {
    fn facts(&self, driver: &str, slice: Option<&Arc<str>>) -> DeviceFacts {
        // An attribute without a domain is the driver's own, and may be written with it.
        let text = |key: &str| {
            let attributes = self.attributes.as_ref()?;
            let found = attributes
                .get(key)
                .or_else(|| attributes.get(&format!("{driver}/{key}")));
            found?.string.as_deref().filter(|text| !text.is_empty())
        };
        let first = |keys: &[&str]| keys.iter().find_map(|key| text(key));
        // A partition has a UUID of its own beside that of its board.
        let board = first(&["parentUUID", "uuid"]).map(|uuid| format!("uuid:{uuid}"));
        let address = first(&["resource.kubernetes.io/pciBusID", "pcieBusID", "pciAddr", "pciAddress"]);
        let counters = self.consumes_counters.iter().flatten();
        let marks = board
            .into_iter()
            .chain(address.map(|address| format!("pci:{}", address.to_ascii_lowercase())))
            .chain(counters.map(|consumed| format!("counters:{}", consumed.counter_set)));
        let partition = || first(&["computePartition", "partitionProfile"]).and_then(amd_partition);
        let own = || {
            self.node_name
                .clone()
                .or_else(|| self.node_selector.as_ref()?.one_node())
        };
        DeviceFacts {
            name: Arc::clone(&self.name),
            marks: marks.collect(),
            product: first(&["productName", "model"]).map(Arc::from),
            unit: text("profile")
                .and_then(mig_slices)
                .or_else(partition)
                .map_or(GpuUnit::Device, whole),
            node: slice.cloned().or_else(own),
        }
    }
}

impl NodeSelector {
    /// The one node that it selects by name. Any other selector may mean several nodes, of which none has the board.
    fn one_node(&self) -> Option<Arc<str>> {
        let [term] = self.node_selector_terms.as_deref()? else {
            return None;
        };
        let requirements = [&term.match_fields, &term.match_expressions]
            .into_iter()
            .flatten()
            .flatten();
        requirements.into_iter().find_map(|requirement| {
            let by_name = matches!(requirement.key.as_str(), "metadata.name" | "kubernetes.io/hostname");
            match requirement.values.as_deref() {
                Some([name]) if by_name && requirement.operator == "In" => Some(Arc::clone(name)),
                _ => None,
            }
        })
    }
}

/// AMD's mode of one partition is the whole board.
fn whole(unit: GpuUnit) -> GpuUnit {
    if unit == GpuUnit::Part(1) {
        GpuUnit::Device
    } else {
        unit
    }
}
