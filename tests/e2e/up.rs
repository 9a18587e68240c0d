//! Not a test: a control plane to develop against, up until it is interrupted. `hack/controlplane/up.sh` starts it.

use crate::controlplane::{Admission, ControlPlane, SchedulerConfig, Which};
use tokio::signal::unix::{SignalKind, signal};

/// Names a file to which the kubeconfig's path is written once everything is up.
const READY: &str = "HELIOTROPE_UP_READY";

/// The annotation by which KWOK's own documentation marks its nodes: any node that carries it becomes Ready.
const KWOK_NODES: &str = "kwok.x-k8s.io/node=fake";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs until it is interrupted; hack/controlplane/up.sh starts it"]
async fn up_until_interrupted() {
    let mut interrupted = signal(SignalKind::interrupt()).unwrap();
    let mut ended = signal(SignalKind::terminate()).unwrap();
    let plane = ControlPlane::start_own(Admission::Usual, Some(KWOK_NODES)).await;
    let _scheduler = plane.scheduler(Which::Current, &SchedulerConfig::as_delivered());
    println!("nodes with the annotation {KWOK_NODES} become Ready");
    println!("export KUBECONFIG={}", plane.kubeconfig().display());
    if let Some(file) = std::env::var_os(READY) {
        std::fs::write(file, format!("{}\n", plane.kubeconfig().display())).unwrap();
    }
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = ended.recv() => {}
    }
}
