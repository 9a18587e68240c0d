use super::{Clock, Desk, Said, Server, header, hour_of, lock};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// `me:hush`, as RFC 7617 writes it.
const BASIC: &str = "Basic bWU6aHVzaA==";
/// The account that it knows.
const ACCOUNT: (&str, &str) = ("me", "hush");
/// What every token begins with.
const TOKEN: &str = "jwt-hush-";
/// g/kWh in one lb/MWh.
const GRAMS: f64 = 0.453_592_37;

/// A fake of WattTime v3: login, bearer tokens, refusals and bodies of its documentation, with one intensity a region for all
/// times.
pub(crate) struct FakeWattTime {
    server: Server,
    state: Shared,
}

type Shared = Arc<Fake>;

struct Fake {
    clock: Clock,
    desk: Mutex<Desk>,
    regions: Mutex<BTreeMap<&'static str, f64>>,
    /// Tokens given, and those of them that count no more with the status that they are refused with.
    logins: Mutex<(u32, u32, u16)>,
    /// Waited before a login is answered.
    slow: Mutex<std::time::Duration>,
}

type Params = Query<BTreeMap<String, String>>;

impl FakeWattTime {
    pub(crate) async fn start(clock: Clock) -> Self {
        let state = Arc::new(Fake {
            clock,
            desk: Mutex::default(),
            regions: Mutex::default(),
            logins: Mutex::new((0, 0, 401)),
            slow: Mutex::default(),
        });
        let router = Router::new()
            .route("/login", get(login))
            .route("/v3/my-access", get(my_access))
            .route("/v3/forecast", get(forecast))
            .route("/v3/historical", get(historical))
            .with_state(Arc::clone(&state));
        let server = Server::start(router).await;
        Self { server, state }
    }

    /// Its base address.
    pub(crate) fn url(&self) -> &str {
        &self.server.url
    }

    /// Name and password of the account that it knows.
    pub(crate) fn account() -> (&'static str, &'static str) {
        ACCOUNT
    }

    /// A region with its intensity, of both signals.
    pub(crate) fn region(&self, region: &'static str, grams_per_kwh: f64) {
        lock(&self.state.regions).insert(region, grams_per_kwh);
    }

    /// Says something else to every path that ends so.
    pub(crate) fn says(&self, end: &'static str, said: Said) {
        lock(&self.state.desk).said.insert(end, said);
    }

    /// Refuses every token given so far, with this status.
    pub(crate) fn expire(&self, status: u16) {
        let mut logins = lock(&self.state.logins);
        *logins = (logins.0, logins.0, status);
    }

    /// Answers logins slowly.
    pub(crate) fn log_in_slowly(&self, wait: std::time::Duration) {
        *lock(&self.state.slow) = wait;
    }

    /// Tokens given.
    pub(crate) fn logins(&self) -> u32 {
        lock(&self.state.logins).0
    }

    /// Every call with a part in its path or query.
    pub(crate) fn asked(&self, part: &str) -> Vec<String> {
        lock(&self.state.desk).asked(part)
    }
}

async fn login(State(fake): State<Shared>, headers: HeaderMap) -> Response {
    let slow = *lock(&fake.slow);
    tokio::time::sleep(slow).await;
    if let Some(said) = lock(&fake.desk).ask("/login", &BTreeMap::new()) {
        return said.into_response();
    }
    if header(&headers, "authorization") != BASIC {
        return Said::status(401, r#"{"error":"unauthorized"}"#).into_response();
    }
    let mut logins = lock(&fake.logins);
    logins.0 += 1;
    Json(json!({ "token": format!("{TOKEN}{}", logins.0) })).into_response()
}

/// The test's own answer, or a refusal of the token.
fn refusal(fake: &Fake, path: &str, query: &BTreeMap<String, String>, headers: &HeaderMap) -> Option<Response> {
    if let Some(said) = lock(&fake.desk).ask(path, query) {
        return Some(said.into_response());
    }
    let (given, dead, status) = *lock(&fake.logins);
    let token = header(headers, "authorization").strip_prefix("Bearer ");
    let number = token.and_then(|token| token.strip_prefix(TOKEN)?.parse::<u32>().ok());
    match number {
        Some(number) if number > dead && number <= given => None,
        Some(_) => Some(Said::status(status, r#"{"error":"token expired"}"#).into_response()),
        None => Some(Said::status(401, r#"{"error":"no token"}"#).into_response()),
    }
}

async fn my_access(State(fake): State<Shared>, Query(query): Params, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&fake, "/v3/my-access", &query, &headers) {
        return refusal;
    }
    let endpoints = |names: &[&str]| -> Vec<Value> {
        let model =
            json!({ "model": "2023-03-01", "data_start": "2020-01-01", "train_start": null, "train_end": null });
        names
            .iter()
            .map(|name| json!({ "endpoint": format!("v3/{name}"), "models": [model] }))
            .collect()
    };
    let regions = |names: &[&str]| -> Vec<Value> {
        let known = lock(&fake.regions);
        let row =
            |region: &&str| json!({ "region": region, "region_full_name": region, "endpoints": endpoints(names) });
        known.keys().map(row).collect()
    };
    Json(json!({ "signal_types": [
        { "signal_type": "co2_moer", "regions": regions(&["forecast", "historical", "signal-index"]) },
        { "signal_type": "co2_aoer", "regions": regions(&["historical"]) },
    ]}))
    .into_response()
}

async fn forecast(State(fake): State<Shared>, Query(query): Params, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&fake, "/v3/forecast", &query, &headers) {
        return refusal;
    }
    let hours: i64 = query.get("horizon_hours").map_or(24, |hours| hours.parse().unwrap());
    let now = (fake.clock)();
    let first = Timestamp::from_second(now.as_second().div_euclid(300) * 300).unwrap();
    answer(&fake, &query, first, hours * 12, "forecast")
}

async fn historical(State(fake): State<Shared>, Query(query): Params, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&fake, "/v3/historical", &query, &headers) {
        return refusal;
    }
    let time = |key: &str| query[key].parse::<Timestamp>().unwrap();
    let (start, end) = (hour_of(time("start")), time("end"));
    let step = step(&query);
    let steps = (end.as_second() - start.as_second()) / step.as_secs();
    answer(&fake, &query, start, steps, "historical")
}

fn step(query: &BTreeMap<String, String>) -> SignedDuration {
    let hourly = query.get("signal_type").is_some_and(|signal| signal == "co2_aoer");
    SignedDuration::from_mins(if hourly { 60 } else { 5 })
}

fn answer(fake: &Fake, query: &BTreeMap<String, String>, first: Timestamp, steps: i64, route: &str) -> Response {
    let (region, step) = (query["region"].as_str(), step(query));
    let Some(grams) = lock(&fake.regions).get(region).copied() else {
        return Said::status(403, r#"{"error":"forbidden"}"#).into_response();
    };
    let point = |at: Timestamp| {
        let mut point = json!({ "point_time": at.to_string(), "value": grams / GRAMS });
        if route == "historical" {
            point["imputed_data_used"] = json!(false);
            point["last_updated"] = json!(at.to_string());
        }
        point
    };
    let data: Vec<Value> = (0..=steps)
        .map(|i| point(first + step * i32::try_from(i).unwrap()))
        .collect();
    let mut meta = json!({
        "data_point_period_seconds": step.as_secs(), "region": region, "signal_type": query["signal_type"],
        "units": "lbs_co2_per_mwh", "model": { "date": "2023-03-01", "type": "binned_regression" }, "warnings": [],
    });
    if route == "forecast" {
        meta["generated_at"] = json!((fake.clock)().to_string());
        meta["generated_at_period_seconds"] = json!(300);
    }
    Json(json!({ "data": data, "meta": meta })).into_response()
}
