use crate::tls::Authority;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A server that answers paths with what it was given for them, and everything else with 404: a Prometheus, or an API server
/// with metrics adapters behind it.
pub(super) struct FakeServer {
    script: Arc<Mutex<Script>>,
    held: watch::Sender<bool>,
    url: String,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Script {
    /// Status and body by path.
    answers: Vec<(String, u16, String)>,
    asked: Vec<Uri>,
    shown: Vec<HeaderMap>,
    /// Where everything is to be found instead, with the status that says so.
    elsewhere: Option<(u16, String)>,
    under_way: usize,
    most_under_way: usize,
}

type Shared = (Arc<Mutex<Script>>, watch::Receiver<bool>);

impl FakeServer {
    pub(super) async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), "http")
    }

    /// With a certificate for 127.0.0.1 that an authority has signed.
    pub(super) async fn with_tls(authority: &Authority) -> Self {
        Self::on(authority.listener().await, "https")
    }

    fn on(listener: impl Listener<Addr = SocketAddr>, scheme: &str) -> Self {
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let (held, holding) = watch::channel(false);
        let routes = Router::new()
            .fallback(answer)
            .with_state((Arc::clone(&script), holding));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            script,
            held,
            url,
            task,
        }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// Sends everybody elsewhere from now on.
    pub(super) fn redirects(&self, status: u16, to: &str) {
        self.script.lock().unwrap().elsewhere = Some((status, to.to_owned()));
    }

    /// A header of each question so far; empty where it had none.
    pub(super) fn shown(&self, name: &str) -> Vec<String> {
        let shown = &self.script.lock().unwrap().shown;
        let value = |headers: &HeaderMap| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        shown.iter().map(value).collect()
    }

    /// Answers a path with a body from now on.
    pub(super) fn says(&self, path: &str, body: &Value) {
        self.answers(path, 200, &body.to_string());
    }

    /// Answers a path with a status and a text from now on.
    pub(super) fn answers(&self, path: &str, status: u16, body: &str) {
        let mut script = self.script.lock().unwrap();
        script.answers.retain(|(known, ..)| known != path);
        script.answers.push((path.to_owned(), status, body.to_owned()));
    }

    /// Answers queries of Prometheus with series: labels, value.
    pub(super) fn gives(&self, series: &[(Value, &str)]) {
        let result: Vec<Value> = series
            .iter()
            .map(|(labels, value)| json!({"metric": labels, "value": [1_800_000_000, value]}))
            .collect();
        let body = json!({"status": "success", "data": {"resultType": "vector", "result": result}});
        self.says("/api/v1/query", &body);
    }

    /// Paths and queries that were asked, as they came over the wire.
    pub(super) fn asked(&self) -> Vec<String> {
        let asked = &self.script.lock().unwrap().asked;
        asked.iter().map(ToString::to_string).collect()
    }

    /// The expression that was asked last.
    pub(super) fn expression(&self) -> String {
        let asked = self.asked();
        let url: url::Url = format!("http://x{}", asked.last().unwrap()).parse().unwrap();
        let mut pairs = url.query_pairs();
        pairs
            .find_map(|(key, value)| (key == "query").then(|| value.into_owned()))
            .unwrap()
    }

    /// Takes questions and answers none until let go.
    pub(super) fn hold(&self, held: bool) {
        self.held.send(held).unwrap();
    }

    /// Questions under way, and the most that ever were.
    pub(super) fn under_way(&self) -> (usize, usize) {
        let script = self.script.lock().unwrap();
        (script.under_way, script.most_under_way)
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State((script, mut held)): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let (known, elsewhere) = {
        let mut script = script.lock().unwrap();
        script.under_way += 1;
        script.most_under_way = script.most_under_way.max(script.under_way);
        let known = script.answers.iter().find(|(path, ..)| path == uri.path());
        let known = known.map(|(_, status, body)| (*status, body.clone()));
        script.asked.push(uri);
        script.shown.push(headers);
        (known, script.elsewhere.clone())
    };
    held.wait_for(|held| !held).await.unwrap();
    script.lock().unwrap().under_way -= 1;
    if let Some((status, to)) = elsewhere {
        return (StatusCode::from_u16(status).unwrap(), [("location", to)]).into_response();
    }
    let (status, body) = known.unwrap_or((404, r#"{"kind":"Status","code":404}"#.to_owned()));
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}
