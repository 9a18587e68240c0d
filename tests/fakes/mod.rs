//! Grid data providers that want a key, replaced at the wire.
//!
//! Owns servers on loopback that speak as the APIs are documented: what they take for a key, what they refuse and how, and
//! bodies of the documented shapes around values that a test sets. Both test binaries use them. Must never be more
//! forgiving than the API is known to be.

mod electricity_maps;
mod watttime;

pub(crate) use electricity_maps::FakeElectricityMaps;
pub(crate) use watttime::FakeWattTime;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// What a fake takes for the present.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// An answer of the test's own: status, Retry-After, body.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    status: u16,
    retry_after: Option<&'static str>,
    body: String,
}

impl Said {
    pub(crate) fn body(body: impl Into<String>) -> Self {
        Self::status(200, body)
    }

    pub(crate) fn status(status: u16, body: impl Into<String>) -> Self {
        let body = body.into();
        Self {
            status,
            retry_after: None,
            body,
        }
    }

    pub(crate) fn retry_after(mut self, after: &'static str) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl IntoResponse for Said {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        let kind = [(header::CONTENT_TYPE, "application/json")];
        let mut answer = (status, kind, self.body).into_response();
        if let Some(after) = self.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, after.parse().unwrap());
        }
        answer
    }
}

/// What was asked, and what the test wants said to it.
#[derive(Debug, Default)]
struct Desk {
    asked: Vec<String>,
    said: BTreeMap<&'static str, Said>,
}

impl Desk {
    /// Notes a call; the test's own answer to paths that end so, if there is one.
    fn ask(&mut self, path: &str, query: &BTreeMap<String, String>) -> Option<Said> {
        let query: Vec<String> = query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.asked.push(format!("{path}?{}", query.join("&")));
        let said = self.said.iter().find(|(end, _)| path.ends_with(*end));
        said.map(|(_, said)| said.clone())
    }

    /// Every call with a part in its path or query.
    fn asked(&self, part: &str) -> Vec<String> {
        let asked = self.asked.iter().filter(|asked| asked.contains(part));
        asked.cloned().collect()
    }
}

/// A server in this process, gone with the value.
struct Server {
    url: String,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The start of an hour.
fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(3600) * 3600).unwrap()
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap()
}
