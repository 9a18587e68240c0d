//! The listener for people and probes: health, metrics, explanations, and what decisions were worth.
//!
//! Owns `/livez`, `/readyz`, `/metrics`, `/explain` and `/report`, and who is answered the last two: they tell of tenants
//! ([`Access`]). Reads the world and the metrics; the only call that a question can make is the one of a [`Reviewer`].
//! Must never change anything, must never be needed by a request of the scheduler, and must never answer what tells of tenants
//! where it is not known who asks.

mod access;
mod report;
pub mod settings;

pub use access::{Access, Reviewer, Unreviewed, Verdict};

use crate::telemetry::{Clock, DomainSample, Metrics, PowerNodes, ZoneSample};
use crate::world::World;
use access::Subject;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use heliotrope_core::placement::Bookings;
use heliotrope_core::quantity::Rung;
use heliotrope_core::snapshot::{Coefficient, CoefficientSource, DomainState, NodeState, PowerRung, Snapshot};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the routes read.
#[derive(Clone)]
pub struct Admin {
    /// The world.
    pub world: Arc<World>,
    /// The metrics.
    pub metrics: Metrics,
    /// The time.
    pub clock: Clock,
    /// Who is answered what tells of tenants.
    pub access: Access,
    /// Set when the process is about to stop: not ready any more.
    pub stopping: tokio_util::sync::CancellationToken,
    /// What the controllers lack, where this process has any.
    pub lacks: Option<tokio::sync::watch::Receiver<Option<&'static str>>>,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

/// The routes.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/explain", get(explain))
        .route("/report", get(report::report))
        .with_state(admin)
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    missing: Vec<&'static str>,
}

/// Ready, or what is missing.
async fn readyz(State(admin): State<Admin>) -> Response {
    let mut missing: Vec<&'static str> = admin
        .world
        .readiness()
        .missing()
        .map(crate::world::Missing::name)
        .collect();
    missing.extend(admin.lacks.as_ref().and_then(|lacks| *lacks.borrow()));
    if admin.stopping.is_cancelled() {
        missing.push("stopping");
    }
    let status = if missing.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Ready {
            ready: missing.is_empty(),
            missing,
        }),
    )
        .into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let (snapshot, domains) = {
        let in_flight = admin.world.in_flight();
        let snapshot = admin.world.snapshot();
        let domains = domain_samples(&snapshot, &in_flight.bookings);
        (snapshot, domains)
    };
    let now = (admin.clock)();
    let age = now.duration_since(snapshot.taken_at).as_secs_f64();
    let zones = zone_samples(&snapshot, now);
    let power = power_nodes(&snapshot, now);
    let owners = [
        ("watts", snapshot.learned.owners()),
        ("run-time", snapshot.learned.runners()),
    ];
    admin.metrics.learned(&coefficients(&snapshot), owners);
    admin.metrics.unknown_claims(snapshot.unknown_claims);
    let page = admin.metrics.page(
        (snapshot.generation, age),
        snapshot.nodes().len(),
        &zones,
        power,
        domains,
    );
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], page).into_response()
}

fn zone_samples(snapshot: &Snapshot, now: Timestamp) -> Vec<ZoneSample> {
    let of_zone = |zone: &Arc<heliotrope_core::snapshot::ZoneState>| {
        let best = zone.best().map(|(rung, _)| rung);
        let views = Rung::ALL.into_iter().filter_map(|rung| Some((rung, zone.view(rung)?)));
        let sample = |(rung, view): (Rung, &heliotrope_core::snapshot::CarbonView)| ZoneSample {
            zone: zone.id.to_string(),
            source: view.source.to_string(),
            rung: rung.name(),
            intensity: view.now.get(),
            age: now.duration_since(view.observed_at).as_secs_f64().max(0.0),
            best: Some(rung) == best,
        };
        views.map(sample).collect::<Vec<_>>()
    };
    snapshot.zones().iter().flat_map(of_zone).collect()
}

/// Nodes and samples by coefficient and source: every pair, so that one that is gone reads zero.
fn coefficients(snapshot: &Snapshot) -> Vec<(&'static str, &'static str, u32, u64)> {
    type Of = fn(&NodeState) -> Option<Coefficient>;
    let all: [(&'static str, Of); 3] = [
        ("bare", |node| node.bare),
        ("context", |node| node.context),
        ("slope", |node| node.slope),
    ];
    let rows = all.into_iter().flat_map(|(name, of)| {
        CoefficientSource::ALL.into_iter().map(move |source| {
            let held = snapshot.nodes().iter().filter_map(of);
            let (nodes, samples) = held
                .filter(|held| held.source == source)
                .fold((0, 0), |(nodes, samples), held| {
                    (nodes + 1, samples + u64::from(held.samples))
                });
            (name, source.name(), nodes, samples)
        })
    });
    rows.collect()
}

fn domain_samples(snapshot: &Snapshot, bookings: &Bookings) -> Vec<DomainSample> {
    let standing = snapshot.domains().iter().filter(|domain| domain.nodes > 0);
    let sample = |domain: &DomainState| DomainSample {
        domain: domain.key.domain.to_string(),
        value: domain.key.value.to_string(),
        cap: domain.cap.get(),
        committed: domain.committed.get(),
        unseen: domain.unseen.get(),
        reserved: bookings.reserved_in(&domain.key).get(),
        unrated: domain.unrated,
    };
    standing.map(sample).collect()
}

fn power_nodes(snapshot: &Snapshot, now: Timestamp) -> PowerNodes {
    let mut sum = PowerNodes::default();
    for power in snapshot.nodes().iter().map(|node| &node.power) {
        match power.rung {
            PowerRung::Fresh => sum.fresh += 1,
            PowerRung::Stale => sum.stale += 1,
            PowerRung::Model => sum.model += 1,
        }
        sum.watts += power.watts.map_or(0.0, f64::from);
        let age = power.observed_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        sum.oldest = sum.oldest.max(age);
    }
    sum
}

#[derive(Deserialize)]
struct Question {
    pod: String,
    /// Why the pod is not on this node, rather than the whole decision.
    node: Option<String>,
}

/// The last decision about a pod. Who may not know of the namespace is not told either whether anything is remembered.
async fn explain(State(admin): State<Admin>, headers: HeaderMap, Query(question): Query<Question>) -> Response {
    let Some(subject) = Subject::of(&question.pod) else {
        return not_found();
    };
    if let Err(refused) = admin.access.check(&admin.metrics, &headers, subject).await {
        return refused.into_response();
    }
    let found = admin.world.decisions().find(&question.pod).cloned();
    match (found, question.node) {
        (Some(decision), Some(node)) => Json(decision.why_not(&node)).into_response(),
        (Some(decision), None) => Json(decision).into_response(),
        (None, _) => not_found(),
    }
}

fn not_found() -> Response {
    let told = "no decision about this pod is remembered: write pod=namespace/name";
    (StatusCode::NOT_FOUND, told).into_response()
}
