use super::{ControlPlane, Process, SchedulerConfig, Which, flags, free_port};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Several schedulers may follow each other on one control plane; their files must not.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A real kube-scheduler.
pub(crate) struct Scheduler {
    process: Process,
}

impl Scheduler {
    /// Starts it; pods that wait already are taken up as soon as its caches are filled.
    pub(crate) fn start(plane: &ControlPlane, which: Which, config: &SchedulerConfig) -> Self {
        let binary = plane.binaries().path(match which {
            Which::Current => "kube-scheduler",
            Which::Oldest => "kube-scheduler-oldest",
        });
        let name = format!("kube-scheduler-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let file = plane.folder().join(format!("{name}.yaml"));
        std::fs::write(&file, config.to_file(plane.kubeconfig())).unwrap();
        let flags = flags([
            ("config", &file),
            ("bind-address", &"127.0.0.1"),
            ("secure-port", &free_port().to_string()),
            ("cert-dir", &plane.folder().join(&name)),
            ("v", &"2"),
        ]);
        Self {
            process: Process::start(&name, &binary, flags, plane.folder()),
        }
    }

    /// Stops it, binding what it has decided.
    pub(crate) async fn stop(mut self) {
        self.process.assert_running();
        self.process.stop(Duration::from_secs(15)).await;
    }

    /// Ends the test if it has left on its own.
    pub(crate) fn assert_running(&mut self) {
        self.process.assert_running();
    }
}
