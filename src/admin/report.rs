use super::Admin;
use super::access::Subject;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use heliotrope_core::accounting::{Period, Report, date};
use jiff::civil::Date;
use serde::Deserialize;

/// Days in UTC, both ends included; without them everything that is kept.
#[derive(Deserialize)]
pub(super) struct Days {
    from: Option<Date>,
    until: Option<Date>,
}

/// What decisions were worth. It has the sums of every namespace.
pub(super) async fn report(
    State(admin): State<Admin>,
    headers: HeaderMap,
    days: Result<Query<Days>, QueryRejection>,
) -> Response {
    let checked = admin.access.check(&admin.metrics, &headers, Subject::Cluster).await;
    if let Err(refused) = checked {
        return refused.into_response();
    }
    let Ok(Query(Days { from, until })) = days else {
        let told = "from and until are days in UTC: write from=2026-06-01&until=2026-06-30";
        return (StatusCode::BAD_REQUEST, told).into_response();
    };
    let now = (admin.clock)();
    let kind = admin.world.snapshot().surroundings.kind;
    let book = admin.world.book();
    let period = Period {
        from: from.unwrap_or(date(book.since())),
        until: until.unwrap_or(date(now)),
    };
    Json(Report::of(&book, period, kind, now)).into_response()
}
