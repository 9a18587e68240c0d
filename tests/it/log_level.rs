//! `log.level` of a running process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A cluster that nobody answers for: watches wait, the rest runs.
const KUBECONFIG: &str = "apiVersion: v1
kind: Config
current-context: none
clusters: [{name: none, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: none, user: {}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn swap(path: &Path, level: &str) {
    let new = path.with_extension("new");
    let text = format!(
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nlog: {{level: {level}}}\n\
         extender: {{listen: '127.0.0.1:0'}}\nadmin: {{listen: '127.0.0.1:0'}}\ncluster: {{kubeconfig: kubeconfig.yaml}}\n"
    );
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

/// The process starts silent. That the change was taken is itself told at `info`, so the line comes only when the new
/// level counts already.
#[test]
fn a_changed_level_counts_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kubeconfig.yaml"), KUBECONFIG).unwrap();
    let path = folder.path().join("settings.yaml");
    swap(&path, "off");
    let mut child = Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .args(["run", "--config"])
        .arg(&path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    let running = Running(child);
    let (tell, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    let before = lines.recv_timeout(Duration::from_millis(1500));
    assert_eq!(before, Err(mpsc::RecvTimeoutError::Timeout), "it runs and says nothing");
    swap(&path, "info");
    let line = lines
        .recv_timeout(Duration::from_secs(30))
        .expect("nothing was logged after the change");
    assert!(line.contains("settings taken"), "{line}");
    drop(running);
}
