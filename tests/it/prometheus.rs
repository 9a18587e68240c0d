//! A real Prometheus as a process of a test.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Names the binary that `hack/prometheus.sh` prints.
pub(crate) const BINARY: &str = "HELIOTROPE_PROMETHEUS";

/// A process that ends with the value.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Free when it was asked for; nobody else on this machine asks for the same one within a second.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts it with `prometheus.yml` of a folder, in which it keeps its data too.
pub(crate) fn start(binary: &OsStr, folder: &Path, port: u16, more: &[String]) -> Running {
    let child = Command::new(binary)
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(child.unwrap())
}
