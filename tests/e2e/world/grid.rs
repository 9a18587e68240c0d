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
    /// Seconds by which periods begin later than at the full and the half hour.
    shift: i64,
}

type Shared = State<Arc<Mutex<Says>>>;

impl FakeGrid {
    /// Starts it with one intensity for now and all the forecast.
    pub(crate) async fn start(grams_per_kwh: f64) -> Self {
        let says = Arc::new(Mutex::new(Says {
            grams_per_kwh,
            broken: false,
            shift: 0,
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

    /// Answers 500 from now on, or no longer.
    pub(crate) fn break_down(&self, broken: bool) {
        self.says.lock().unwrap().broken = broken;
    }

    /// Shifts all periods so that the running one ends in one to two minutes, where the real API's takes up to thirty.
    pub(crate) fn end_period_soon(&self) {
        let end = now().as_second().div_euclid(60) * 60 + 120;
        self.says.lock().unwrap().shift = end.rem_euclid(PERIOD.as_secs());
    }
}

async fn current(State(says): Shared) -> Response {
    answer(&says, |says| {
        vec![period(start_of_period(now(), says.shift), says.grams_per_kwh, true)]
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
    let from = if to.starts_with("pt") {
        from - SignedDuration::from_hours(hours)
    } else {
        from
    };
    answer(&says, |says| {
        let (start, running) = (start_of_period(from, says.shift), start_of_period(now(), says.shift));
        let periods = (0..=i32::try_from(hours * 2).unwrap()).map(|i| start + PERIOD * i);
        periods
            .map(|at| period(at, says.grams_per_kwh, at >= running))
            .collect()
    })
}

fn answer(says: &Mutex<Says>, periods: impl FnOnce(Says) -> Vec<Value>) -> Response {
    let says = *says.lock().unwrap();
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

fn start_of_period(at: Timestamp, shift: i64) -> Timestamp {
    let periods = (at.as_second() - shift).div_euclid(PERIOD.as_secs());
    Timestamp::from_second(periods * PERIOD.as_secs() + shift).unwrap()
}
