use crate::loopback::Loopback;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How the scripted extender refuses a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `FailedNodes`: eviction might help.
    Failed,
    /// `FailedAndUnresolvableNodes`: eviction cannot help.
    Unresolvable,
}

/// What the scripted extender answers to `/preempt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preempt {
    /// Every candidate, as if it had not been asked.
    Echo,
    /// None: it would refuse the pod everywhere.
    DropAll,
}

/// A fake extender that refuses every node to every pod that asks for as many GPUs as it was told to guard.
pub(crate) struct RefusingExtender {
    server: Loopback,
    calls: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Script {
    refusal: Refusal,
    preempt: Preempt,
    calls: Arc<AtomicU64>,
    guarded: &'static str,
}

impl RefusingExtender {
    /// Refuses the pods whose name begins with `guarded`; lets the others through.
    pub(crate) async fn start(refusal: Refusal, preempt: Preempt, guarded: &'static str) -> Self {
        let calls = Arc::new(AtomicU64::new(0));
        let script = Script {
            refusal,
            preempt,
            calls: Arc::clone(&calls),
            guarded,
        };
        let router = Router::new()
            .route("/filter", post(filter))
            .route("/prioritize", post(prioritize))
            .route("/preempt", post(preempt_answer))
            .with_state(script);
        Self {
            server: Loopback::serve(router).await,
            calls,
        }
    }

    /// What goes into `urlPrefix`.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Filter calls that were refused.
    pub(crate) fn refusals(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

async fn filter(State(script): State<Script>, Json(args): Json<Value>) -> Json<Value> {
    let name = args["Pod"]["metadata"]["name"].as_str().unwrap_or_default();
    let names = args["NodeNames"].as_array().cloned().unwrap_or_default();
    if !name.starts_with(script.guarded) {
        return Json(json!({ "NodeNames": names }));
    }
    script.calls.fetch_add(1, Ordering::Relaxed);
    let refused: Map<String, Value> = names
        .iter()
        .filter_map(Value::as_str)
        .map(|node| (node.to_owned(), json!("refused")))
        .collect();
    Json(match script.refusal {
        Refusal::Failed => json!({ "NodeNames": [], "FailedNodes": refused }),
        Refusal::Unresolvable => json!({ "NodeNames": [], "FailedAndUnresolvableNodes": refused }),
    })
}

async fn prioritize(Json(args): Json<Value>) -> Json<Value> {
    let names = args["NodeNames"].as_array().cloned().unwrap_or_default();
    Json(names.iter().map(|name| json!({ "Host": name, "Score": 0 })).collect())
}

async fn preempt_answer(State(script): State<Script>, Json(args): Json<Value>) -> Json<Value> {
    Json(match script.preempt {
        Preempt::Echo => json!({ "NodeNameToMetaVictims": args["NodeNameToMetaVictims"] }),
        Preempt::DropAll => json!({ "NodeNameToMetaVictims": {} }),
    })
}
