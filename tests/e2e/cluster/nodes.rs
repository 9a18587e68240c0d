use super::object;
use crate::guest;
use k8s_openapi::api::core::v1::Node;
use serde_json::json;

/// Regions of the test cluster, in node order: nodes take turns.
pub(crate) const REGIONS: [&str; 3] = ["eu-north-1", "eu-west-2", "eu-central-1"];

/// The label that names a node's rack.
pub(crate) const RACK: &str = "example.com/rack";

/// A GPU model as a node carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    H100,
    A100,
    L4,
    T4,
}

impl Model {
    /// All of them, in node order.
    pub(crate) const ALL: [Self; 4] = [Self::H100, Self::A100, Self::L4, Self::T4];

    /// The value of `nvidia.com/gpu.product`, as gpu-feature-discovery writes it.
    pub(crate) fn product(self) -> &'static str {
        match self {
            Self::H100 => "NVIDIA-H100-80GB-HBM3",
            Self::A100 => "NVIDIA-A100-SXM4-80GB",
            Self::L4 => "NVIDIA-L4",
            Self::T4 => "Tesla-T4",
        }
    }

    /// Boards in a node.
    pub(crate) fn boards(self) -> usize {
        match self {
            Self::H100 | Self::A100 => 8,
            Self::L4 | Self::T4 => 4,
        }
    }

    /// Watts of a board that nobody uses, and of one under full load; round figures for the exporter, not measurements.
    pub(crate) fn watts(self) -> (f64, f64) {
        match self {
            Self::H100 => (70.0, 650.0),
            Self::A100 => (55.0, 380.0),
            Self::L4 => (16.0, 70.0),
            Self::T4 => (9.0, 68.0),
        }
    }
}

/// Which nodes hold the image that the work runs, so that ImageLocality has a say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Images {
    /// None: only resources and the extender speak.
    Nowhere,
    /// A third of the nodes, most of them in the last region of [`REGIONS`]: images stand where work ran before.
    Uneven,
}

/// One node to be.
#[derive(Debug, Clone)]
pub(crate) struct NodeSpec {
    pub(crate) name: String,
    pub(crate) region: &'static str,
    pub(crate) model: Model,
    pub(crate) boards: usize,
    /// The value of the label [`RACK`].
    pub(crate) rack: Option<String>,
    has_image: bool,
    /// Its boards are devices of a driver: nothing is allocatable, and no label names the model.
    by_claim: bool,
}

/// Nodes over [`REGIONS`] in turn, each region with the same mixture of models.
pub(crate) fn fleet(count: usize, images: Images) -> Vec<NodeSpec> {
    let node = |i: usize| {
        let region = REGIONS[i % REGIONS.len()];
        let round = i / REGIONS.len();
        let model = Model::ALL[round % Model::ALL.len()];
        let every = if region == REGIONS[2] { 2 } else { 5 };
        NodeSpec {
            name: guest::cluster_wide(&format!("gpu-{region}-{i:05}")),
            region,
            model,
            boards: model.boards(),
            rack: None,
            // By rounds of the models, so that every model has nodes with and without the image.
            has_image: images == Images::Uneven && (round / Model::ALL.len()).is_multiple_of(every),
            by_claim: false,
        }
    };
    (0..count).map(node).collect()
}

impl NodeSpec {
    /// The same with boards that pods get by claim.
    pub(crate) fn by_claim(mut self) -> Self {
        self.by_claim = true;
        self
    }

    pub(crate) fn to_node(&self) -> Node {
        let mut resources = json!({
            "cpu": "96", "memory": "768Gi", "pods": "110", "ephemeral-storage": "1Ti",
        });
        if !self.by_claim {
            resources["nvidia.com/gpu"] = json!(self.boards.to_string());
        }
        let images = if self.has_image {
            json!([{ "names": ["train:1"], "sizeBytes": 6_000_000_000_u64 }])
        } else {
            json!([])
        };
        let mut node = json!({
            "metadata": {
                "name": self.name,
                "labels": {
                    "kubernetes.io/hostname": self.name,
                    "kubernetes.io/arch": "amd64",
                    "kubernetes.io/os": "linux",
                    "topology.kubernetes.io/region": self.region,
                    "topology.kubernetes.io/zone": format!("{}a", self.region),
                    "nvidia.com/gpu.product": self.model.product(),
                    "nvidia.com/gpu.count": self.boards.to_string(),
                },
            },
            // As the cloud controller of that cloud writes it: the first part says whose region names these are.
            "spec": { "providerID": format!("aws:///{}a/{}", self.region, self.name) },
            "status": { "capacity": resources, "allocatable": resources, "images": images },
        });
        if let Some(rack) = &self.rack {
            node["metadata"]["labels"][RACK] = json!(rack);
        }
        if self.by_claim {
            let labels = node["metadata"]["labels"].as_object_mut().unwrap();
            labels.retain(|key, _| !key.starts_with("nvidia.com/"));
        }
        guest::mark_node(&mut node);
        object(node)
    }
}
