//! An API server of which the test says what it answers, list by list and watch by watch.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How a watch ends after what it told.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// It stays open.
    Open,
    /// The server ends it, as it does every few minutes.
    Closed,
    /// The connection breaks.
    Broken,
}

/// What is answered next.
#[derive(Debug, Default)]
pub(super) struct Script {
    lists: VecDeque<(u16, Value)>,
    watches: VecDeque<(Vec<Value>, End)>,
    asked: Vec<String>,
}

/// A running server.
pub(super) struct ApiServer {
    script: Arc<Mutex<Script>>,
    address: SocketAddr,
    task: Option<JoinHandle<()>>,
}

impl ApiServer {
    /// A server that is not there yet: its port is closed until [`Self::open`].
    pub(super) async fn reserve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            script: Arc::default(),
            address: listener.local_addr().unwrap(),
            task: None,
        }
    }

    pub(super) async fn start() -> Self {
        let mut server = Self::reserve().await;
        server.open().await;
        server
    }

    pub(super) async fn open(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let routes = Router::new()
            .route("/api/v1/nodes", get(answer))
            .route("/api/v1/pods", get(answer))
            .route("/api/v1/persistentvolumeclaims", get(answer))
            .route("/apis/storage.k8s.io/v1/storageclasses", get(answer))
            .route("/apis/resource.k8s.io/v1/resourceclaims", get(answer))
            .with_state(Arc::clone(&self.script));
        let served = async move { axum::serve(listener, routes).await.unwrap() };
        self.task = Some(tokio::spawn(served));
    }

    /// A list with a resource version.
    pub(super) fn list(&self, version: &str, items: &[Value]) {
        let list =
            json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": version }, "items": items });
        self.script.lock().unwrap().lists.push_back((200, list));
    }

    /// A list that fails.
    pub(super) fn fail(&self, status: u16) {
        let reason = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "no", "reason": "InternalError", "code": status });
        self.script.lock().unwrap().lists.push_back((status, reason));
    }

    /// A watch that tells of these events.
    pub(super) fn watch(&self, events: Vec<Value>, end: End) {
        self.script.lock().unwrap().watches.push_back((events, end));
    }

    /// The queries so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }

    /// Waits until it was asked so often.
    pub(super) async fn asked_times(&self, times: usize) {
        let until = tokio::time::Instant::now() + crate::rig::PATIENCE;
        while self.asked().len() < times {
            assert!(tokio::time::Instant::now() < until, "{:?}", self.asked());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A client of it.
    pub(super) fn client(&self) -> kube::Client {
        crate::carbon::with_tls();
        let url = format!("http://{}", self.address).parse().unwrap();
        kube::Client::try_from(kube::Config::new(url)).unwrap()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// An event of a watch.
pub(super) fn event(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "object": object })
}

/// What a watch says that asks for a version that is too old.
pub(super) fn gone() -> Value {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "too old resource version", "reason": "Expired", "code": 410 });
    event("ERROR", &status)
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let mut script = script.lock().unwrap();
    script.asked.push(query.clone());
    if query.contains("watch=") {
        let (events, end) = script.watches.pop_front().unwrap_or((Vec::new(), End::Open));
        let lines = events
            .into_iter()
            .map(|event| Ok::<_, io::Error>(Bytes::from(format!("{event}\n"))));
        let told = stream::iter(lines);
        let body = match end {
            End::Closed => Body::from_stream(told),
            End::Open => Body::from_stream(told.chain(stream::pending())),
            End::Broken => Body::from_stream(told.chain(stream::once(breaks()))),
        };
        return body.into_response();
    }
    let (status, body) = script.lists.pop_front().unwrap_or((503, json!("nothing is scripted")));
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

/// Breaks off, once what was told before is on its way.
async fn breaks() -> io::Result<Bytes> {
    tokio::time::sleep(Duration::from_millis(200)).await;
    Err(io::ErrorKind::ConnectionReset.into())
}
