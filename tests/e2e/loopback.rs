//! Servers of the suite itself: on loopback, port chosen by the kernel, gone with the value.

use axum::Router;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::task::JoinHandle;

/// A server in this process.
pub(crate) struct Loopback {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Loopback {
    /// Serves a router until dropped.
    pub(crate) async fn serve(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, task }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client for servers on loopback.
#[expect(
    clippy::disallowed_methods,
    reason = "the guarded client refuses loopback, which is all that this one speaks to"
)]
pub(crate) fn http_client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10));
    builder.build().unwrap()
}

/// The present, for bodies that carry a time.
#[expect(
    clippy::disallowed_methods,
    reason = "the fakes of the suite live in real time, beside real processes"
)]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
