use crate::figures::out_folder;
use crate::loopback::{Loopback, http_client};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// One exchange that passed through.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Bytes,
    pub(crate) answer: Bytes,
    pub(crate) status: u16,
}

/// What kube-scheduler asked of one verb.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    /// How often.
    pub(crate) count: usize,
    /// The longest that an answer took, at the proxy.
    pub(crate) longest: Duration,
    /// The exchanges, where they are kept.
    pub(crate) exchanges: Vec<Exchange>,
}

/// Stands between kube-scheduler and an extender, passes everything on and keeps count by verb.
pub(crate) struct RecordingProxy {
    server: Loopback,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    client: reqwest::Client,
    keep: usize,
    calls: Mutex<BTreeMap<String, Calls>>,
    gate: watch::Sender<Option<Gate>>,
}

/// What holds calls of a verb once so many more of them have been answered.
struct Gate {
    verb: &'static str,
    left: usize,
    held: usize,
}

impl RecordingProxy {
    /// Passes on to an extender and keeps the first `keep` exchanges of each verb.
    pub(crate) async fn start(upstream: &str, keep: usize) -> Self {
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            client: http_client(),
            keep,
            calls: Mutex::default(),
            gate: watch::Sender::new(None),
        });
        let router = Router::new()
            .route("/{verb}", post(pass_on))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        Self {
            server: Loopback::serve(router).await,
            shared,
        }
    }

    /// What goes into `urlPrefix`.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// What was asked of a verb so far.
    pub(crate) fn calls(&self, verb: &str) -> Calls {
        self.shared.calls.lock().unwrap().get(verb).cloned().unwrap_or_default()
    }

    /// Forgets what was counted.
    pub(crate) fn reset(&self) {
        self.shared.calls.lock().unwrap().clear();
    }

    /// Holds calls of a verb once so many more have been answered with 200, until [`Self::open`]: what a scenario does then, it
    /// does at one place of a burst, however fast the machine is.
    pub(crate) fn hold_after(&self, verb: &'static str, answers: usize) {
        self.shared.gate.send_replace(Some(Gate {
            verb,
            left: answers,
            held: 0,
        }));
    }

    /// Waits until a call is held.
    pub(crate) async fn held(&self, patience: Duration) {
        let mut gate = self.shared.gate.subscribe();
        let held = gate.wait_for(|gate| gate.as_ref().is_some_and(|gate| gate.held > 0));
        drop(tokio::time::timeout(patience, held).await.expect("no call is held"));
    }

    /// Lets everything pass again, what is held first.
    pub(crate) fn open(&self) {
        self.shared.gate.send_replace(None);
    }

    /// Writes the kept exchanges below `HELIOTROPE_E2E_OUT/wire/NAME`, if that is set: the fixtures of the wire tests.
    pub(crate) fn save(&self, name: &str) {
        let Some(folder) = out_folder() else { return };
        let folder = folder.join("wire").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (verb, calls) in self.shared.calls.lock().unwrap().iter() {
            for (i, exchange) in calls.exchanges.iter().enumerate() {
                std::fs::write(folder.join(format!("{verb}-{i}-request.json")), &exchange.request).unwrap();
                std::fs::write(folder.join(format!("{verb}-{i}-answer.json")), &exchange.answer).unwrap();
            }
        }
    }
}

/// Waits where the gate is shut for this verb.
async fn pass_gate(shared: &Shared, verb: &str) {
    let shut = |gate: &&mut Gate| gate.verb == verb && gate.left == 0;
    let held = |gate: &mut Option<Gate>| gate.as_mut().filter(shut).map(|gate| gate.held += 1).is_some();
    if shared.gate.send_if_modified(held) {
        drop(shared.gate.subscribe().wait_for(Option::is_none).await);
    }
}

/// One call fewer passes the gate, if it stands in this verb's way.
fn count_at_gate(shared: &Shared, verb: &str) {
    shared.gate.send_if_modified(|gate| {
        if let Some(gate) = gate.as_mut().filter(|gate| gate.verb == verb) {
            gate.left = gate.left.saturating_sub(1);
        }
        false
    });
}

async fn pass_on(State(shared): State<Arc<Shared>>, Path(verb): Path<String>, request: Bytes) -> Response {
    pass_gate(&shared, &verb).await;
    let from = Instant::now();
    let url = format!("{}/{verb}", shared.upstream);
    let sent = shared
        .client
        .post(url)
        .header("content-type", "application/json")
        .body(request.clone())
        .send()
        .await;
    let (status, answer) = match sent {
        Ok(answer) => (answer.status(), answer.bytes().await.unwrap_or_default()),
        // As if nothing listened here.
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Bytes::new()),
    };
    if status.is_success() {
        count_at_gate(&shared, &verb);
    }
    {
        let mut calls = shared.calls.lock().unwrap();
        let calls = calls.entry(verb).or_default();
        calls.count += 1;
        calls.longest = calls.longest.max(from.elapsed());
        if calls.exchanges.len() < shared.keep {
            calls.exchanges.push(Exchange {
                request,
                answer: answer.clone(),
                status: status.as_u16(),
            });
        }
    }
    (status, [("content-type", "application/json")], answer).into_response()
}
