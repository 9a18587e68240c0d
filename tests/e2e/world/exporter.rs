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
/// while a pod holds the board. It follows the cluster: boards that pods hold draw more. What it shows may lag behind, and
/// what a pod draws may rise over a while; what boards draw in truth is for the test to know.
pub(crate) struct FakeExporter {
    server: Loopback,
    boards: Arc<Mutex<Boards>>,
    follower: JoinHandle<()>,
}

struct Boards {
    started: Instant,
    pace: Pace,
    nodes: BTreeMap<String, Node>,
}

/// How late the watts of a pod are to be seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    /// From the start of a pod until it draws all that it will.
    pub(crate) rise: Duration,
    /// How old the state is that the page shows.
    pub(crate) lag: Duration,
}

struct Node {
    model: Model,
    /// Who has held each board, oldest first.
    boards: Vec<Vec<Tenure>>,
}

/// A pod on a board.
#[derive(Clone)]
struct Tenure {
    pod: String,
    from: Instant,
    until: Option<Instant>,
}

impl Tenure {
    fn holds(&self, at: Instant) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

impl Node {
    fn holder(&self, board: usize, at: Instant) -> Option<&Tenure> {
        self.boards[board].iter().rev().find(|tenure| tenure.holds(at))
    }

    /// How busy a board was and what it drew.
    fn drew(&self, board: usize, at: Instant, pace: Pace) -> (f64, f64) {
        let (idle, full) = self.model.watts();
        let busy = self.holder(board, at).map_or(0.0, |tenure| {
            let age = at.duration_since(tenure.from).as_secs_f64();
            let risen = if pace.rise.is_zero() {
                1.0
            } else {
                (age / pace.rise.as_secs_f64()).min(1.0)
            };
            UTILISATION * risen
        });
        (busy, idle + (full - idle) * busy)
    }
}

impl FakeExporter {
    /// Starts it for nodes and lets it follow the pods of a cluster, once a second.
    pub(crate) async fn start(specs: &[NodeSpec], cluster: &Cluster) -> Self {
        Self::paced(specs, cluster, Pace::default()).await
    }

    /// The same with watts that rise and are shown late.
    pub(crate) async fn paced(specs: &[NodeSpec], cluster: &Cluster, pace: Pace) -> Self {
        let node = |spec: &NodeSpec| {
            let node = Node {
                model: spec.model,
                boards: vec![Vec::new(); spec.boards],
            };
            (spec.name.clone(), node)
        };
        let boards = Arc::new(Mutex::new(Boards {
            started: Instant::now(),
            pace,
            nodes: specs.iter().map(node).collect(),
        }));
        let router = Router::new()
            .route("/metrics", get(metrics))
            .with_state(Arc::clone(&boards));
        let follower = tokio::spawn(follow(cluster.clone(), Arc::clone(&boards)));
        Self {
            boards,
            server: Loopback::serve(router).await,
            follower,
        }
    }

    /// What the boards of each node draw in truth, by now and once all pods have risen.
    pub(crate) fn truth(&self) -> BTreeMap<String, (f64, f64)> {
        let held = self.boards.lock().unwrap();
        let now = Instant::now();
        let of = |node: &Node, pace: Pace| -> f64 {
            (0..node.boards.len()).map(|board| node.drew(board, now, pace).1).sum()
        };
        let both = |node: &Node| (of(node, held.pace), of(node, Pace::default()));
        held.nodes
            .iter()
            .map(|(name, node)| (name.clone(), both(node)))
            .collect()
    }

    /// Watts that a pod comes to draw on a board of a model beyond idle.
    pub(crate) fn peak(model: Model) -> f64 {
        let (idle, full) = model.watts();
        (full - idle) * UTILISATION
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
        let now = Instant::now();
        let running: Vec<(&str, &str, usize)> = pods.iter().filter_map(running).collect();
        let lag = self.pace.lag;
        for (name, node) in &mut self.nodes {
            let here: Vec<_> = running.iter().filter(|(_, on, _)| on == name).collect();
            for board in &mut node.boards {
                for tenure in board.iter_mut().filter(|tenure| tenure.until.is_none()) {
                    if !here.iter().any(|(pod, ..)| *pod == tenure.pod) {
                        tenure.until = Some(now);
                    }
                }
                // What nobody will ask for any more.
                board.retain(|tenure| {
                    tenure
                        .until
                        .is_none_or(|until| until + lag * 2 + Duration::from_secs(1) > now)
                });
            }
            for (pod, _, gpus) in here {
                let free = |board: &&mut Vec<Tenure>| board.iter().all(|tenure| tenure.until.is_some());
                let holds = |board: &&Vec<Tenure>| board.iter().any(|t| t.until.is_none() && t.pod == *pod);
                let missing = gpus.saturating_sub(node.boards.iter().filter(holds).count());
                for board in node.boards.iter_mut().filter(free).take(missing) {
                    board.push(Tenure {
                        pod: (*pod).to_owned(),
                        from: now,
                        until: None,
                    });
                }
            }
        }
    }
}

/// Name, node and GPUs of a pod that runs.
fn running(pod: &Pod) -> Option<(&str, &str, usize)> {
    let spec = pod.spec.as_ref()?;
    let phase = pod.status.as_ref()?.phase.as_deref();
    let asked = spec.containers.iter().filter_map(|container| {
        let limits = container.resources.as_ref()?.limits.as_ref()?;
        limits.get("nvidia.com/gpu")?.0.parse::<usize>().ok()
    });
    let found = (pod.metadata.name.as_deref()?, spec.node_name.as_deref()?, asked.sum());
    (phase == Some("Running")).then_some(found)
}

/// A figure of a board from its watts, how busy it is, and seconds since boot.
type Figure = fn(f64, f64, f64) -> f64;

async fn metrics(State(boards): State<Arc<Mutex<Boards>>>) -> String {
    let boards = boards.lock().unwrap();
    let seconds = boards.started.elapsed().as_secs_f64();
    // A page of the past, or of the beginning.
    let now = Instant::now();
    let shown = now.checked_sub(boards.pace.lag).unwrap_or(now).max(boards.started);
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
            for gpu in 0..node.boards.len() {
                let (busy, watts) = node.drew(gpu, shown, boards.pace);
                let holder = node.holder(gpu, shown).map(|tenure| tenure.pod.as_str());
                let labels = labels(number, host, node.model, gpu, holder);
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
