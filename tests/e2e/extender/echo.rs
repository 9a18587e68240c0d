use crate::controlplane::{ControlPlane, Process, free_port, wait_for_port};
use std::time::Duration;

/// The smallest extender there can be, in Go: offers back what it is offered, scores all alike. The price of the protocol.
pub(crate) struct Echo {
    url: String,
    process: Process,
}

impl Echo {
    /// Starts it.
    pub(crate) async fn start(plane: &ControlPlane) -> Self {
        let port = free_port();
        let flags = [format!("-listen=127.0.0.1:{port}")];
        let process = Process::start(
            "echo-extender",
            &plane.binaries().path("echo-extender"),
            flags,
            plane.folder(),
        );
        wait_for_port(port, Duration::from_secs(5)).await;
        Self {
            url: format!("http://127.0.0.1:{port}"),
            process,
        }
    }

    /// Processor time that it has used, in seconds.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        self.process.cpu_seconds()
    }

    /// What goes into `urlPrefix`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
