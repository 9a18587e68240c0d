use super::{Clock, Desk, Said, Server, header, hour_of, lock};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The zone of the caller's address, which the API takes where it cannot resolve the one asked for.
const CALLERS_ZONE: &str = "FR";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A fake of Electricity Maps, v3 and v4: header, parameters, refusals and bodies of its documentation, with one intensity a
/// zone for all hours.
pub(crate) struct FakeElectricityMaps {
    server: Server,
    state: Shared,
}

type Shared = Arc<Fake>;

struct Fake {
    key: &'static str,
    clock: Clock,
    desk: Mutex<Desk>,
    zones: Mutex<BTreeMap<&'static str, Zone>>,
    /// Zones that answer in a basis of their own.
    bases: Mutex<BTreeMap<&'static str, &'static str>>,
}

#[derive(Debug, Clone)]
struct Zone {
    grams_per_kwh: f64,
    access: Vec<&'static str>,
}

type Params = Query<BTreeMap<String, String>>;

impl FakeElectricityMaps {
    /// Starts it; it knows one key and no zone.
    pub(crate) async fn start(key: &'static str, clock: Clock) -> Self {
        let state = Arc::new(Fake {
            key,
            clock,
            desk: Mutex::default(),
            zones: Mutex::default(),
            bases: Mutex::default(),
        });
        let router = Router::new()
            .route("/{version}/zones", get(zones))
            .route("/{version}/carbon-intensity/{what}", get(intensity))
            .fallback(|| async { gateway() })
            .with_state(Arc::clone(&state));
        let server = Server::start(router).await;
        Self { server, state }
    }

    /// Its base address, without a version.
    pub(crate) fn url(&self) -> &str {
        &self.server.url
    }

    /// A zone with its intensity in every basis, of which the key can read all.
    pub(crate) fn zone(&self, zone: &'static str, grams_per_kwh: f64) {
        self.plan(zone, grams_per_kwh, &["*"]);
    }

    /// The same of which the key can read these routes.
    pub(crate) fn plan(&self, zone: &'static str, grams_per_kwh: f64, access: &[&'static str]) {
        let access = access.to_vec();
        let known = Zone { grams_per_kwh, access };
        lock(&self.state.zones).insert(zone, known);
    }

    /// A zone that answers in this basis, whatever it is asked for.
    pub(crate) fn answers_in(&self, zone: &'static str, basis: &'static str) {
        lock(&self.state.bases).insert(zone, basis);
    }

    /// Says something else to every path that ends so.
    pub(crate) fn says(&self, end: &'static str, said: Said) {
        lock(&self.state.desk).said.insert(end, said);
    }

    /// Every call with a part in its path or query.
    pub(crate) fn asked(&self, part: &str) -> Vec<String> {
        lock(&self.state.desk).asked(part)
    }
}

/// What the gateway says to a route that it does not have.
fn gateway() -> Response {
    Said::status(404, r#"{"message":"no Route matched with those values"}"#).into_response()
}

fn refused() -> Response {
    Said::status(401, r#"{"message":"Invalid authentication credentials"}"#).into_response()
}

async fn zones(
    State(fake): State<Shared>,
    Path(version): Path<String>,
    Query(query): Params,
    headers: HeaderMap,
) -> Response {
    if let Some(said) = lock(&fake.desk).ask(&format!("/{version}/zones"), &query) {
        return said.into_response();
    }
    // The list is public; what a key can read stands in it only for that key.
    let has_key = header(&headers, "auth-token") == fake.key;
    let zone = |(name, zone): (&&str, &Zone)| {
        let row = if has_key {
            json!({ "zoneName": name, "access": zone.access })
        } else {
            json!({ "zoneName": name })
        };
        ((*name).to_owned(), row)
    };
    let zones: serde_json::Map<String, Value> = lock(&fake.zones).iter().map(zone).collect();
    axum::Json(Value::Object(zones)).into_response()
}

async fn intensity(
    State(fake): State<Shared>,
    Path((version, what)): Path<(String, String)>,
    Query(query): Params,
    headers: HeaderMap,
) -> Response {
    if let Some(said) = lock(&fake.desk).ask(&format!("/{version}/carbon-intensity/{what}"), &query) {
        return said.into_response();
    }
    let closed = match version.as_str() {
        "v3" => query
            .get("shouldUseFallbackCallerLookup")
            .is_some_and(|on| on == "false"),
        "v4" => query.get("disableCallerLookup").is_some_and(|off| off == "true"),
        _ => return gateway(),
    };
    if header(&headers, "auth-token") != fake.key {
        return refused();
    }
    let asked = query.get("zone").map_or_else(String::new, Clone::clone);
    let zones = lock(&fake.zones).clone();
    let (name, zone) = match zones.get_key_value(asked.as_str()) {
        Some((name, zone)) => (*name, zone.clone()),
        None if closed => {
            return Said::status(404, format!(r#"{{"error":"Zone '{asked}' does not exist."}}"#)).into_response();
        }
        None => (CALLERS_ZONE, zones.get(CALLERS_ZONE).cloned().unwrap()),
    };
    let asked = query.get("emissionFactorType").map_or("lifecycle", String::as_str);
    let basis = lock(&fake.bases).get(name).copied().unwrap_or(asked);
    let hours = query.get("horizonHours").map_or(24, |hours| hours.parse().unwrap());
    match body(&what, name, &zone, basis, hours, (fake.clock)()) {
        Some(body) => axum::Json(body).into_response(),
        None => gateway(),
    }
}

fn body(what: &str, name: &str, zone: &Zone, basis: &str, hours: i64, now: Timestamp) -> Option<Value> {
    let running = hour_of(now);
    let grams = zone.grams_per_kwh;
    let value = |at: Timestamp| {
        let estimated = at >= running;
        json!({
            "zone": name, "carbonIntensity": grams, "datetime": at.to_string(), "updatedAt": now.to_string(),
            "createdAt": now.to_string(), "emissionFactorType": basis, "isEstimated": estimated,
            "estimationMethod": if estimated { json!("TIME_SLICER_AVERAGE") } else { Value::Null },
        })
    };
    let past = |hours: i64| -> Vec<Value> {
        (1..=hours)
            .rev()
            .map(|ago| value(running - HOUR * i32::try_from(ago).unwrap()))
            .collect()
    };
    Some(match what {
        "latest" => value(running),
        "history" => json!({ "zone": name, "history": past(24) }),
        "past-range" => json!({ "zone": name, "data": past(7 * 24) }),
        "forecast" => {
            let points: Vec<Value> = (0..=hours)
                .map(|ahead| running + HOUR * i32::try_from(ahead).unwrap())
                .map(|at| json!({ "datetime": at.to_string(), "carbonIntensity": grams }))
                .collect();
            json!({ "zone": name, "forecast": points, "updatedAt": now.to_string() })
        }
        _ => return None,
    })
}
