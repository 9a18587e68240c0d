use crate::cluster::{Cluster, Model, NodeSpec};
use crate::loopback::Loopback;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use k8s_openapi::api::core::v1::Pod;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How busy a board is that a pod holds.
const UTILISATION: f64 = 0.7;

/// A fake of DCGM's exporter, one for all nodes, with the exact exposition: names, label order, a workload's labels only
/// while a pod holds the board. It follows the cluster: boards that pods hold draw more.
pub(crate) struct FakeExporter {
    server: Loopback,
    follower: JoinHandle<()>,
}

struct Boards {
    started: Instant,
    nodes: BTreeMap<String, Node>,
}

struct Node {
    model: Model,
    /// Who holds each board.
    holders: Vec<Option<String>>,
}

impl FakeExporter {
    /// Starts it for nodes and lets it follow the pods of a cluster, once a second.
    pub(crate) async fn start(specs: &[NodeSpec], cluster: &Cluster) -> Self {
        let node = |spec: &NodeSpec| {
            let node = Node {
                model: spec.model,
                holders: vec![None; spec.boards],
            };
            (spec.name.clone(), node)
        };
        let boards = Arc::new(Mutex::new(Boards {
            started: Instant::now(),
            nodes: specs.iter().map(node).collect(),
        }));
        let router = Router::new()
            .route("/metrics", get(metrics))
            .with_state(Arc::clone(&boards));
        let follower = tokio::spawn(follow(cluster.clone(), Arc::clone(&boards)));
        Self {
            server: Loopback::serve(router).await,
            follower,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

impl Drop for FakeExporter {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

async fn follow(cluster: Cluster, boards: Arc<Mutex<Boards>>) {
    loop {
        // An API server that is busy answers late; the boards then stay as they were.
        if let Ok(pods) = cluster.api::<Pod>().list(&kube::api::ListParams::default()).await {
            boards.lock().unwrap().assign(&pods.items);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

impl Boards {
    fn assign(&mut self, pods: &[Pod]) {
        for node in self.nodes.values_mut() {
            node.holders.fill(None);
        }
        for pod in pods {
            let Some(spec) = &pod.spec else { continue };
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            let node = spec.node_name.as_ref().and_then(|name| self.nodes.get_mut(name));
            let (Some(node), Some("Running")) = (node, phase) else {
                continue;
            };
            let asked = spec.containers.iter().filter_map(|container| {
                let limits = container.resources.as_ref()?.limits.as_ref()?;
                limits.get("nvidia.com/gpu")?.0.parse::<usize>().ok()
            });
            let name = pod.metadata.name.clone().unwrap_or_default();
            for free in node
                .holders
                .iter_mut()
                .filter(|holder| holder.is_none())
                .take(asked.sum())
            {
                *free = Some(name.clone());
            }
        }
    }
}

/// A figure of a board from its watts, how busy it is, and seconds since boot.
type Figure = fn(f64, f64, f64) -> f64;

async fn metrics(State(boards): State<Arc<Mutex<Boards>>>) -> String {
    let boards = boards.lock().unwrap();
    let seconds = boards.started.elapsed().as_secs_f64();
    let mut page = String::new();
    let families: [(&str, &str, &str, Figure); 3] = [
        (
            "DCGM_FI_DEV_POWER_USAGE",
            "Power draw (in W).",
            "gauge",
            |watts, _, _| watts,
        ),
        (
            "DCGM_FI_DEV_GPU_UTIL",
            "GPU utilization (in %).",
            "gauge",
            |_, busy, _| busy * 100.0,
        ),
        (
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
            "Total energy consumption since boot (in mJ).",
            "counter",
            |watts, _, seconds| watts * seconds * 1e3,
        ),
    ];
    for (name, help, kind, value) in families {
        writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}").unwrap();
        for (number, (host, node)) in boards.nodes.iter().enumerate() {
            for (gpu, holder) in node.holders.iter().enumerate() {
                let (idle, full) = node.model.watts();
                let busy = if holder.is_some() { UTILISATION } else { 0.0 };
                let watts = idle + (full - idle) * busy;
                let labels = labels(number, host, node.model, gpu, holder.as_deref());
                writeln!(page, "{name}{{{labels}}} {:.3}", value(watts, busy, seconds)).unwrap();
            }
        }
    }
    page
}

fn labels(number: usize, host: &str, model: Model, gpu: usize, holder: Option<&str>) -> String {
    let name = match model {
        Model::H100 => "NVIDIA H100 80GB HBM3",
        Model::A100 => "NVIDIA A100-SXM4-80GB",
        Model::L4 => "NVIDIA L4",
        Model::T4 => "Tesla T4",
    };
    let workload = holder
        .map(|pod| {
            format!(
                r#",container="main",namespace="{}",pod="{pod}""#,
                crate::guest::namespace()
            )
        })
        .unwrap_or_default();
    format!(
        r#"gpu="{gpu}",UUID="GPU-{number:08x}-0000-4000-8000-{gpu:012x}",pci_bus_id="00000000:{:02X}:00.0",device="nvidia{gpu}",modelName="{name}",Hostname="{host}",DCGM_FI_DRIVER_VERSION="570.86.15"{workload}"#,
        0x10 + gpu
    )
}
