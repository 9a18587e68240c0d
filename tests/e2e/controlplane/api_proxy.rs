use super::{ControlPlane, client};
use crate::loopback::Loopback;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// Stands between a process and the real API server, and passes everything on with the identity of a kubeconfig. It notes what is
/// written, and can hold one write for good: before it arrives, or with its answer.
pub(crate) struct ApiProxy {
    server: Loopback,
    shared: Arc<Shared>,
}

/// Where a write is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The API server never hears of it.
    BeforeItArrives,
    /// It is made, and whoever made it never hears so.
    BeforeItsAnswer,
}

/// A write.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    method: Method,
    path_and_query: String,
    headers: HeaderMap,
    pub(crate) body: Value,
}

impl Asked {
    fn path(&self) -> &str {
        self.path_and_query
            .split_once('?')
            .map_or(self.path_and_query.as_str(), |(path, _)| path)
    }

    /// Replicas, of whatever has a scale.
    pub(crate) fn is_scale(&self) -> bool {
        self.method == Method::PATCH && self.path().ends_with("/scale")
    }

    /// The status of a Rightsizer that begins a change.
    pub(crate) fn begins_a_change(&self) -> bool {
        let of_rightsizer = self.path().contains("/rightsizers/") && self.path().ends_with("/status");
        of_rightsizer && self.method == Method::PUT && self.body["status"]["scaling"].is_object()
    }
}

struct Shared {
    upstream: kube::Client,
    written: Mutex<Vec<(Asked, StatusCode)>>,
    gate: watch::Sender<Gate>,
}

enum Gate {
    Open,
    /// The first that this is true of is held.
    Waits(Hold, fn(&Asked) -> bool),
    /// One is on its way to where it is held.
    Took,
    Holds(Asked),
}

impl ApiProxy {
    /// Passes on with the identity of a kubeconfig.
    pub(crate) async fn start(identity: &Path) -> Self {
        let shared = Arc::new(Shared {
            upstream: client(identity).await,
            written: Mutex::default(),
            gate: watch::Sender::new(Gate::Open),
        });
        let router = Router::new().fallback(pass_on).with_state(Arc::clone(&shared));
        Self {
            server: Loopback::serve(router).await,
            shared,
        }
    }

    /// Writes a kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self, plane: &ControlPlane) -> PathBuf {
        let file = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{ "name": "proxy", "cluster": { "server": self.server.url() } }],
            "users": [{ "name": "proxy", "user": {} }],
            "contexts": [{ "name": "proxy", "context": { "cluster": "proxy", "user": "proxy" } }],
        });
        let path = plane.folder().join("kubeconfig-proxy");
        std::fs::write(&path, file.to_string()).unwrap();
        path
    }

    /// Holds the next write that this is true of, for good. Those after it pass.
    pub(crate) fn hold(&self, hold: Hold, which: fn(&Asked) -> bool) {
        self.shared.gate.send_replace(Gate::Waits(hold, which));
    }

    /// Waits until it is held.
    pub(crate) async fn held(&self, patience: Duration) -> Asked {
        let mut gate = self.shared.gate.subscribe();
        let held = gate.wait_for(|gate| matches!(gate, Gate::Holds(_)));
        let held = tokio::time::timeout(patience, held).await.expect("no write is held");
        match &*held.unwrap() {
            Gate::Holds(asked) => asked.clone(),
            _ => unreachable!("that was waited for"),
        }
    }

    /// Lets a write arrive that was held before it did; what the API server says.
    pub(crate) async fn deliver(&self, asked: &Asked) -> StatusCode {
        self.shared.forward(asked).await.status()
    }

    /// The writes that the API server took of those that this is true of.
    pub(crate) fn taken(&self, which: fn(&Asked) -> bool) -> Vec<Asked> {
        let written = self.shared.written.lock().unwrap();
        let taken = written
            .iter()
            .filter(|(asked, status)| which(asked) && status.is_success());
        taken.map(|(asked, _)| asked.clone()).collect()
    }
}

impl Shared {
    /// Whether this is the one to be held.
    fn catches(&self, asked: &Asked) -> Option<Hold> {
        let mut caught = None;
        self.gate.send_if_modified(|gate| {
            if let Gate::Waits(hold, which) = gate
                && which(asked)
            {
                caught = Some(*hold);
                *gate = Gate::Took;
            }
            false
        });
        caught
    }

    async fn forward(&self, asked: &Asked) -> Response {
        let body = match &asked.body {
            Value::Null => Vec::new(),
            body => serde_json::to_vec(body).unwrap(),
        };
        let mut request = http::Request::builder()
            .method(asked.method.clone())
            .uri(&asked.path_and_query)
            .body(kube::client::Body::from(body))
            .unwrap();
        *request.headers_mut() = asked.headers.clone();
        // As if the API server had gone.
        let Ok(answer) = self.upstream.send(request).await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        if asked.method != Method::GET {
            self.written.lock().unwrap().push((asked.clone(), answer.status()));
        }
        let (mut parts, body) = answer.into_parts();
        parts.headers.remove(TRANSFER_ENCODING);
        parts.headers.remove(CONNECTION);
        // Watches go on without end.
        Response::from_parts(parts, Body::new(body))
    }
}

async fn pass_on(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut headers = parts.headers;
    // Those are between two neighbours, and who asks is known by this proxy's own identity.
    for between in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, AUTHORIZATION] {
        headers.remove(between);
    }
    let asked = Asked {
        method: parts.method,
        path_and_query: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let hold = shared.catches(&asked);
    let answer = match hold {
        Some(Hold::BeforeItArrives) => None,
        _ => Some(shared.forward(&asked).await),
    };
    match answer {
        Some(answer) if hold.is_none() => answer,
        _ => {
            shared.gate.send_replace(Gate::Holds(asked));
            pending::<Response>().await
        }
    }
}
