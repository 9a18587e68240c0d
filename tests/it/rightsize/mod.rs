//! `heliotrope rightsize`: manifests and a cluster in, findings, manifests and an exit code out.

mod explain;
mod from_hpa;
mod lint;
mod rightsizers;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// Runs the command with a text on stdin.
fn run(arguments: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heliotrope"));
    command.env("NO_PROXY", "127.0.0.1").arg("rightsize").args(arguments);
    let pipes = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // Arguments that are wrong end it before it has read.
    drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
    child.wait_with_output().unwrap()
}

fn told(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// An API server that the test plays: objects by path, and the answer to any other path.
struct FakeApiServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Objects {
    found: Arc<BTreeMap<&'static str, Value>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// As the API server says that something is not there, or that it may not be read.
fn status(code: u16, details: &Value) -> Response {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "no",
        "reason": if code == 403 { "Forbidden" } else { "NotFound" }, "details": details, "code": code,
    });
    (StatusCode::from_u16(code).unwrap(), status.to_string()).into_response()
}

async fn answer(State(objects): State<Objects>, Path(path): Path<String>) -> Response {
    objects.asked.lock().unwrap().push(path.clone());
    match objects.found.get(path.as_str()) {
        Some(Value::Null) => status(403, &json!({})),
        Some(object) => object.to_string().into_response(),
        // Of a kind that it knows it names the object; a path that it does not know has none.
        None => {
            let (folder, name) = path.rsplit_once('/').unwrap();
            let known = objects.found.keys().any(|path| path.starts_with(folder));
            let details = if known { json!({ "name": name }) } else { json!({}) };
            status(404, &details)
        }
    }
}

impl FakeApiServer {
    async fn start(found: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::default();
        let objects = Objects {
            found: Arc::new(found.into_iter().collect()),
            asked: Arc::clone(&asked),
        };
        let routes = Router::new().route("/{*path}", get(answer)).with_state(objects);
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, asked, task }
    }

    /// Runs the command against it.
    async fn run(&self, arguments: &[&str]) -> Output {
        let mut kubeconfig = tempfile::NamedTempFile::new().unwrap();
        let address = self.address;
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: x, contexts: [{{name: x, context: {{cluster: x, user: x}}}}], clusters: [{{name: x, cluster: {{server: 'http://{address}'}}}}], users: [{{name: x, user: {{}}}}]}}"
        );
        kubeconfig.write_all(text.as_bytes()).unwrap();
        let mut arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        arguments.extend(["--kubeconfig".to_owned(), kubeconfig.path().display().to_string()]);
        let run = move || run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        drop(kubeconfig);
        output
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for FakeApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
