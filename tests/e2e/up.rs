//! Not a test: a control plane to develop against, up until it is interrupted. `hack/controlplane/up.sh` starts it.

use crate::controlplane::{ControlPlane, KWOK_NODES, Purpose, SchedulerConfig, Which};
use tokio::signal::unix::{SignalKind, signal};

/// Names a file to which the kubeconfig's path is written once everything is up.
const READY: &str = "HELIOTROPE_UP_READY";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs until it is interrupted; hack/controlplane/up.sh starts it"]
async fn up_until_interrupted() {
    let mut interrupted = signal(SignalKind::interrupt()).unwrap();
    let mut ended = signal(SignalKind::terminate()).unwrap();
    let plane = ControlPlane::start_own(Purpose::Development).await;
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
