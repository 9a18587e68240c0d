//! Sockets.
//!
//! Owns listening and draining. Takes a router from a room and serves it until cancelled; then it stops accepting and
//! lets requests in flight finish, for [`DRAIN_FOR`] at most. A handler that panics is answered 500 and takes nobody
//! else down. Must never know what a router answers.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use futures::FutureExt;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Requests in flight get this long to finish. Answers take a fraction of a second, and Kubernetes kills after 30 s; a
/// peer that never ends its request must not hold the process up.
pub const DRAIN_FOR: Duration = Duration::from_secs(5);

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    /// Where it listens; the port is known here even when 0 was asked for.
    pub address: SocketAddr,
}

/// Binds an address.
///
/// # Errors
/// When it cannot be bound.
pub async fn bind(address: SocketAddr) -> io::Result<Listener> {
    let socket = TcpListener::bind(address).await?;
    let address = socket.local_addr()?;
    Ok(Listener { socket, address })
}

/// Serves until cancelled, and returns when the last request in flight is answered or [`DRAIN_FOR`] is over.
///
/// # Errors
/// When the socket fails.
pub async fn run(listener: Listener, router: Router, cancel: CancellationToken) -> io::Result<()> {
    // kube-scheduler waits for each answer before it goes on: do not let the kernel wait for more bytes to send.
    let socket = listener.socket.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no-delay not set");
        }
    });
    let served = axum::serve(socket, router.layer(from_fn(contained)))
        .with_graceful_shutdown(cancel.clone().cancelled_owned());
    let overdue = async {
        cancel.cancelled().await;
        tokio::time::sleep(DRAIN_FOR).await;
    };
    tokio::select! {
        served = served => served,
        () = overdue => {
            tracing::warn!(seconds = DRAIN_FOR.as_secs(), "requests that do not end were given up");
            Ok(())
        }
    }
}

/// A panic in a handler is a bug. Its text went to stderr; who asked is told that there was one.
async fn contained(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| (StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response())
}
