//! An API server that answers reviews, and nothing else.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a token is good for.
#[derive(Debug, Clone)]
pub(super) struct Bearer {
    pub(super) user: &'static str,
    /// `None` stands for the API server's own.
    pub(super) audience: Option<&'static str>,
    /// Namespaces whose pods it may get; empty text stands for all of them.
    pub(super) namespaces: Vec<&'static str>,
}

#[derive(Debug, Default)]
struct Script {
    bearers: BTreeMap<&'static str, Bearer>,
    asked: Vec<Value>,
    /// Does not look at the audiences asked for, and says whom the token is for.
    deaf: bool,
    /// Answered to everything from now on.
    broken: Option<(u16, String)>,
}

/// A running server.
pub(super) struct FakeReviewServer {
    script: Arc<Mutex<Script>>,
    held: watch::Sender<bool>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

type Shared = (Arc<Mutex<Script>>, watch::Receiver<bool>);

impl FakeReviewServer {
    pub(super) async fn start(bearers: &[(&'static str, Bearer)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Script {
            bearers: bearers.iter().cloned().collect(),
            ..Script::default()
        };
        let script = Arc::new(Mutex::new(script));
        let (held, holding) = watch::channel(false);
        let routes = Router::new()
            .route("/apis/authentication.k8s.io/v1/tokenreviews", post(answer))
            .route("/apis/authorization.k8s.io/v1/subjectaccessreviews", post(answer))
            .with_state((Arc::clone(&script), holding));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            script,
            held,
            address,
            task,
        }
    }

    /// The reviews so far.
    pub(super) fn asked(&self) -> Vec<Value> {
        self.script.lock().unwrap().asked.clone()
    }

    /// How many reviews of a kind there were.
    pub(super) fn count(&self, kind: &str) -> usize {
        self.asked().iter().filter(|review| review["kind"] == kind).count()
    }

    /// Answers with this from now on.
    pub(super) fn breaks(&self, status: u16, body: &str) {
        self.script.lock().unwrap().broken = Some((status, body.to_owned()));
    }

    /// Knows every token that is asked about with an audience, whichever that is, as an authenticator may that leaves it to
    /// who asks.
    pub(super) fn ignores_audiences(&self) {
        self.script.lock().unwrap().deaf = true;
    }

    /// Answers as it should again.
    pub(super) fn mends(&self) {
        self.script.lock().unwrap().broken = None;
    }

    /// Takes questions and answers none until let go.
    pub(super) fn hold(&self, held: bool) {
        self.held.send(held).unwrap();
    }

    /// A client of it.
    pub(super) fn client(&self) -> kube::Client {
        crate::carbon::with_tls();
        let url = format!("http://{}", self.address).parse().unwrap();
        kube::Client::try_from(kube::Config::new(url)).unwrap()
    }
}

impl Drop for FakeReviewServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State((script, mut held)): State<Shared>, uri: Uri, body: Bytes) -> Response {
    let mut review: Value = serde_json::from_slice(&body).unwrap();
    let broken = {
        let mut script = script.lock().unwrap();
        script.asked.push(review.clone());
        script.broken.clone()
    };
    held.wait_for(|held| !held).await.unwrap();
    if let Some((status, body)) = broken {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let script = script.lock().unwrap();
    let path = uri.path();
    review["status"] = match review["kind"].as_str().unwrap() {
        "TokenReview" => {
            assert!(path.ends_with("/tokenreviews") && review["apiVersion"] == "authentication.k8s.io/v1");
            identified(&script, &review["spec"])
        }
        "SubjectAccessReview" => {
            assert!(path.ends_with("/subjectaccessreviews") && review["apiVersion"] == "authorization.k8s.io/v1");
            json!({ "allowed": may(&script, &review["spec"]) })
        }
        other => panic!("{other} is no review"),
    };
    (StatusCode::CREATED, review.to_string()).into_response()
}

/// As the API server does: without audiences it stands for itself.
fn identified(script: &Script, spec: &Value) -> Value {
    let asked: Vec<&str> = spec["audiences"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let found = script.bearers.get(spec["token"].as_str().unwrap());
    let meant = |bearer: &&Bearer| match bearer.audience {
        None => asked.is_empty(),
        Some(audience) => asked.contains(&audience) || (script.deaf && !asked.is_empty()),
    };
    let Some(bearer) = found.filter(meant) else {
        return json!({ "authenticated": false, "error": "invalid bearer token" });
    };
    json!({
        "authenticated": true,
        "audiences": bearer.audience.map_or(json!(["https://kubernetes.default.svc"]), |audience| json!([audience])),
        "user": {
            "username": bearer.user, "uid": "u-1", "groups": ["system:authenticated"],
            "extra": { "example.com/device": ["d-1"] },
        },
    })
}

/// Only who was told of with all that the token review said.
fn may(script: &Script, spec: &Value) -> bool {
    assert_eq!(
        (&spec["uid"], &spec["groups"], &spec["extra"]),
        (
            &json!("u-1"),
            &json!(["system:authenticated"]),
            &json!({ "example.com/device": ["d-1"] })
        )
    );
    let attributes = &spec["resourceAttributes"];
    assert_eq!(
        (&attributes["verb"], &attributes["resource"]),
        (&json!("get"), &json!("pods"))
    );
    let namespace = attributes["namespace"].as_str().unwrap();
    let bearers = script.bearers.values();
    bearers
        .filter(|bearer| spec["user"] == bearer.user)
        .any(|bearer| bearer.namespaces.contains(&namespace) || bearer.namespaces.contains(&""))
}
