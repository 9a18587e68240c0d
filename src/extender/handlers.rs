use super::answer::{self, Kept};
use super::judge::{Case, Extender, Unjudged};
use super::neutral::Neutral;
use super::offer::Offer;
use super::preempt;
use super::settings::Unjudgeable;
use super::wire::{Args, PreemptionArgs};
use crate::cluster::LeanPod;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use heliotrope_core::workload::PodFacts;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The extender's routes. Whatever is wrong with a request that can be decoded, it is answered 200 and neutrally.
pub fn router(extender: Arc<Extender>) -> Router {
    Router::new()
        .route("/filter", post(|state, body| handle(state, body, "filter", filter)))
        .route(
            "/prioritize",
            post(|state, body| handle(state, body, "prioritize", prioritize)),
        )
        .route(
            "/preempt",
            post(|state, body| handle(state, body, "preempt", preemption)),
        )
        .with_state(extender)
}

/// What a call came to.
type Answered = Result<(Vec<u8>, &'static str), Refused>;

/// Why a request is answered with an error: it could not be decoded, or the operator wants it so.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("body is longer than extender.maxBodyBytes, or broke off")]
    Body,
    #[error("body did not arrive within extender.deadline")]
    Slow,
    #[error("body is not what kube-scheduler sends: {0}")]
    Shape(String),
    #[error("not judged ({}), and extender.unjudged is fail", .0.name())]
    Unjudged(Neutral),
}

impl Refused {
    fn outcome(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Body => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
            Self::Slow => (StatusCode::SERVICE_UNAVAILABLE, "body-too-slow"),
            Self::Shape(_) => (StatusCode::BAD_REQUEST, "undecodable"),
            Self::Unjudged(neutral) => (StatusCode::SERVICE_UNAVAILABLE, neutral.name()),
        }
    }
}

/// Counts a request while it is worked on.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn handle(
    State(extender): State<Arc<Extender>>,
    body: Body,
    verb: &'static str,
    call: fn(&Extender, &Bytes, Load) -> Answered,
) -> Response {
    let started = Instant::now();
    let before = extender.in_flight.fetch_add(1, Ordering::Relaxed);
    let _in_flight = InFlight(&extender.in_flight);
    let limits = &extender.limits;
    let read = tokio::time::timeout(limits.deadline, axum::body::to_bytes(body, limits.max_body_bytes));
    let answered = match read.await {
        Err(_) => Err(Refused::Slow),
        Ok(Err(_)) => Err(Refused::Body),
        Ok(Ok(bytes)) => {
            let load = Load {
                crowded: before >= limits.max_in_flight,
                started,
                deadline: limits.deadline,
            };
            call(&extender, &bytes, load)
        }
    };
    match answered {
        Ok((answer, outcome)) => {
            extender.metrics.answered(verb, outcome, started.elapsed());
            ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
        }
        Err(refused) => {
            let (status, outcome) = refused.outcome();
            extender.metrics.answered(verb, outcome, started.elapsed());
            tracing::debug!(verb, error = %refused, "request refused");
            (status, refused.to_string()).into_response()
        }
    }
}

/// How the process stands when a request's body has arrived.
#[derive(Clone, Copy)]
struct Load {
    crowded: bool,
    started: Instant,
    deadline: Duration,
}

impl Load {
    fn neutral(self) -> Option<Neutral> {
        if self.crowded {
            Some(Neutral::Overloaded)
        } else {
            // Asked when the request is decoded: a long body takes its time there as well.
            (self.started.elapsed() > self.deadline).then_some(Neutral::Late)
        }
    }
}

fn decode<'a, T: serde::Deserialize<'a>>(body: &'a Bytes) -> Result<T, Refused> {
    // The decoder's text may quote the body: only the place is passed on.
    serde_json::from_slice(body)
        .map_err(|error| Refused::Shape(format!("line {} column {}", error.line(), error.column())))
}

/// Runs a decision; a panic in it is a bug that is counted and answered neutrally.
fn guarded<T>(decision: impl FnOnce() -> Result<T, Unjudged>) -> Result<T, Unjudged> {
    catch_unwind(AssertUnwindSafe(decision)).unwrap_or(Err(Unjudged::Neutral(Neutral::Internal)))
}

/// Opens the case of a pod unless the process is in no state to judge.
fn open(extender: &Extender, pod: PodFacts, load: Load) -> Result<Case<'_>, Unjudged> {
    if let Some(neutral) = load.neutral() {
        return Err(Unjudged::Neutral(neutral));
    }
    extender.open(pod)
}

fn decoded_pod(pod: &LeanPod) -> Result<PodFacts, Refused> {
    pod.facts()
        .ok_or_else(|| Refused::Shape("Pod has no name or no uid".to_owned()))
}

/// Where the operator wants it, a pod that cannot be judged is an error and not a neutral answer. Pods that are none of
/// ours pass always.
fn refuse_unjudged(extender: &Extender, unjudged: Unjudged) -> Result<(), Refused> {
    match (extender.limits.unjudged, unjudged) {
        (Unjudgeable::Fail, Unjudged::Neutral(neutral)) => Err(Refused::Unjudged(neutral)),
        _ => Ok(()),
    }
}

fn written(answer: Option<Vec<u8>>) -> Result<Vec<u8>, Refused> {
    answer.ok_or_else(|| Refused::Shape("answer cannot be written".to_owned()))
}

fn filter(extender: &Extender, body: &Bytes, load: Load) -> Answered {
    let mut args: Args<'_> = decode(body)?;
    let pod = decoded_pod(&args.pod)?;
    let offer = Offer::of(&mut args, &extender.labels).map_err(|error| Refused::Shape(error.to_string()))?;
    let judged = guarded(|| {
        let mut case = open(extender, pod, load)?;
        let weighed = extender.weigh(&case, &offer);
        let verdict = extender.filter(&mut case, &weighed);
        Ok((case.steers(), case.outcome(), verdict))
    });
    Ok(match judged {
        Ok((true, outcome, verdict)) => {
            let kept = Kept::Marked {
                kept: &verdict.kept,
                refused: &verdict.refused,
            };
            (written(answer::filter(&offer, kept))?, outcome)
        }
        Ok((false, outcome, _)) => (written(answer::filter(&offer, Kept::All))?, outcome),
        Err(unjudged) => {
            refuse_unjudged(extender, unjudged)?;
            (written(answer::filter(&offer, Kept::All))?, unjudged.outcome())
        }
    })
}

fn prioritize(extender: &Extender, body: &Bytes, load: Load) -> Answered {
    let mut args: Args<'_> = decode(body)?;
    let pod = decoded_pod(&args.pod)?;
    let offer = Offer::of(&mut args, &extender.labels).map_err(|error| Refused::Shape(error.to_string()))?;
    let judged = guarded(|| {
        let mut case = open(extender, pod, load)?;
        let weighed = extender.weigh(&case, &offer);
        let scores = extender.score(&mut case, &weighed);
        Ok((case.steers(), case.outcome(), scores))
    });
    Ok(match judged {
        Ok((true, outcome, scores)) => (written(answer::prioritize(&offer, &scores))?, outcome),
        Ok((false, outcome, _)) => (written(answer::prioritize(&offer, &[]))?, outcome),
        Err(unjudged) => (written(answer::prioritize(&offer, &[]))?, unjudged.outcome()),
    })
}

fn preemption(extender: &Extender, body: &Bytes, load: Load) -> Answered {
    let mut args: PreemptionArgs<'_> = decode(body)?;
    let pod = decoded_pod(&args.pod)?;
    let victims = preempt::victims(&mut args);
    let judged = guarded(|| {
        let mut case = open(extender, pod, load)?;
        let accepted = extender.preempt(&mut case, &victims);
        Ok((case.steers(), case.outcome(), accepted))
    });
    Ok(match judged {
        Ok((true, outcome, kept)) => (
            written(answer::preempt(
                &victims,
                Kept::Marked {
                    kept: &kept,
                    refused: &[],
                },
            ))?,
            outcome,
        ),
        Ok((false, outcome, _)) => (written(answer::preempt(&victims, Kept::All))?, outcome),
        Err(unjudged) => {
            refuse_unjudged(extender, unjudged)?;
            (written(answer::preempt(&victims, Kept::All))?, unjudged.outcome())
        }
    })
}
