//! A test driver: devices without a driver behind them. It publishes what the driver of NVIDIA's GPUs would publish, and
//! nobody prepares anything on the nodes, which KWOK's pods do not need.

use super::{Cluster, NodeSpec};
use kube::api::{Api, DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

/// The name under which the driver publishes. Whose devices these are is told by it alone.
const DRIVER: &str = "gpu.nvidia.com";

/// A class for claims, and one that stands behind an extended resource besides.
pub(crate) const CLASS: &str = "training-gpus";
pub(crate) const EXTENDED_CLASS: &str = "gpu.nvidia.com";

fn resource(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("resource.k8s.io", "v1", kind))
}

fn without_managers(mut object: DynamicObject) -> DynamicObject {
    object.metadata.managed_fields = None;
    object
}

impl Cluster {
    fn devices(&self, kind: &str) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &resource(kind))
    }

    fn claims(&self, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), crate::guest::namespace(), &resource(kind))
    }

    /// Publishes the boards of nodes as devices: a slice and a pool for each node.
    pub(crate) async fn publish_devices(&self, nodes: &[NodeSpec]) {
        for node in nodes {
            let device = |i: usize| {
                json!({
                    "name": format!("gpu-{i}"),
                    "attributes": {
                        "type": { "string": "gpu" },
                        "uuid": { "string": format!("GPU-{}-{i}", node.name) },
                        // As NVML names the board: the label has dashes.
                        "productName": { "string": node.model.product().replace('-', " ") },
                        "resource.kubernetes.io/pciBusID": { "string": format!("0000:{i:02x}:00.0") },
                    },
                    "capacity": { "memory": { "value": "80Gi" } },
                })
            };
            let slice = json!({
                "metadata": { "name": format!("{}-{DRIVER}", node.name) },
                "spec": {
                    "driver": DRIVER,
                    "nodeName": node.name,
                    "pool": { "name": node.name, "generation": 1, "resourceSliceCount": 1 },
                    "devices": (0..node.boards).map(device).collect::<Vec<_>>(),
                },
            });
            self.create_device(&self.devices("ResourceSlice"), "ResourceSlice", slice)
                .await;
        }
    }

    /// Creates the two classes.
    pub(crate) async fn create_device_classes(&self) {
        for (name, extended) in [(CLASS, None), (EXTENDED_CLASS, Some("nvidia.com/gpu"))] {
            let mut class = json!({
                "metadata": { "name": name },
                "spec": { "selectors": [{ "cel": { "expression": format!("device.driver == '{DRIVER}'") } }] },
            });
            if let Some(extended) = extended {
                class["spec"]["extendedResourceName"] = json!(extended);
            }
            self.create_device(&self.devices("DeviceClass"), "DeviceClass", class)
                .await;
        }
    }

    /// Creates a template of claims for so many devices.
    pub(crate) async fn create_claim_template(&self, name: &str, count: usize) {
        let template = json!({
            "metadata": { "name": name },
            "spec": { "spec": { "devices": { "requests": [
                { "name": "gpus", "exactly": { "deviceClassName": CLASS, "count": count } },
            ] } } },
        });
        let api = self.claims("ResourceClaimTemplate");
        self.create_device(&api, "ResourceClaimTemplate", template).await;
    }

    /// Every object of a kind of `resource.k8s.io`, without the book-keeping of who wrote which field.
    pub(crate) async fn device_objects(&self, kind: &str) -> Vec<DynamicObject> {
        let found = self.devices(kind).list(&ListParams::default()).await;
        found.unwrap().items.into_iter().map(without_managers).collect()
    }

    /// A pod with all that its API server says, which may be newer than the types of this suite; likewise.
    pub(crate) async fn pod_object(&self, name: &str) -> DynamicObject {
        let pod = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Pod"));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), crate::guest::namespace(), &pod);
        without_managers(api.get(name).await.unwrap())
    }

    async fn create_device(&self, api: &Api<DynamicObject>, kind: &str, mut value: Value) {
        value["apiVersion"] = json!("resource.k8s.io/v1");
        value["kind"] = json!(kind);
        let object = serde_json::from_value(value).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
    }
}
