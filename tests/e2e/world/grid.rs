use crate::loopback::{Loopback, now};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Half an hour, the period of the GB Carbon Intensity API.
const PERIOD: SignedDuration = SignedDuration::from_mins(30);

/// A fake of the GB Carbon Intensity API: national routes, with the shapes of its documentation. Times carry no seconds,
/// the running period has `actual: null`, an outage is a 500 with the documented body.
pub(crate) struct FakeGrid {
    server: Loopback,
    says: Arc<Mutex<Says>>,
}

#[derive(Debug, Clone, Copy)]
struct Says {
    grams_per_kwh: f64,
    broken: bool,
    calls: u64,
}

type Shared = State<Arc<Mutex<Says>>>;

impl FakeGrid {
    /// Starts it with one intensity for now and all the forecast.
    pub(crate) async fn start(grams_per_kwh: f64) -> Self {
        let says = Arc::new(Mutex::new(Says {
            grams_per_kwh,
            broken: false,
            calls: 0,
        }));
        let router = Router::new()
            .route("/intensity", get(current))
            .route("/intensity/{from}/{to}", get(window))
            .with_state(Arc::clone(&says));
        Self {
            server: Loopback::serve(router).await,
            says,
        }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Changes what it says.
    pub(crate) fn set(&self, grams_per_kwh: f64) {
        self.says.lock().unwrap().grams_per_kwh = grams_per_kwh;
    }

    /// Answers 500 from now on, or no longer.
    pub(crate) fn break_down(&self, broken: bool) {
        self.says.lock().unwrap().broken = broken;
    }

    /// Requests so far.
    pub(crate) fn calls(&self) -> u64 {
        self.says.lock().unwrap().calls
    }
}

async fn current(State(says): Shared) -> Response {
    answer(&says, |says| {
        vec![period(start_of_period(now()), says.grams_per_kwh, true)]
    })
}

async fn window(State(says): Shared, Path((from, to)): Path<(String, String)>) -> Response {
    // `YYYY-MM-DDThh:mmZ`, with the seconds that the API does not write.
    let Ok(from) = format!("{}:00Z", from.trim_end_matches('Z')).parse::<Timestamp>() else {
        return (StatusCode::BAD_REQUEST, Json(problem("400 Bad Request"))).into_response();
    };
    let hours = match to.as_str() {
        "fw24h" | "pt24h" => 24,
        _ => 48,
    };
    let start = start_of_period(from);
    let start = if to.starts_with("pt") {
        start - SignedDuration::from_hours(hours)
    } else {
        start
    };
    let running = start_of_period(now());
    answer(&says, |says| {
        let periods = (0..=i32::try_from(hours * 2).unwrap()).map(|i| start + PERIOD * i);
        periods
            .map(|at| period(at, says.grams_per_kwh, at >= running))
            .collect()
    })
}

fn answer(says: &Mutex<Says>, periods: impl FnOnce(Says) -> Vec<Value>) -> Response {
    let says = {
        let mut says = says.lock().unwrap();
        says.calls += 1;
        *says
    };
    if says.broken {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            Json(problem("500 Internal Server Error")),
        )
            .into_response();
    }
    Json(json!({ "data": periods(says) })).into_response()
}

fn problem(code: &str) -> Value {
    json!({ "error": { "code": code, "message": "There was a problem with your request. Please try again later." } })
}

fn period(from: Timestamp, grams_per_kwh: f64, unmeasured: bool) -> Value {
    let actual = if unmeasured {
        Value::Null
    } else {
        json!(grams_per_kwh.round())
    };
    json!({
        "from": minutes(from),
        "to": minutes(from + PERIOD),
        "intensity": { "forecast": grams_per_kwh.round(), "actual": actual, "index": "moderate" },
    })
}

fn minutes(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

fn start_of_period(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(PERIOD.as_secs()) * PERIOD.as_secs()).unwrap()
}
