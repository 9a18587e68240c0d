//! Sockets.
//!
//! Owns listening and draining. Takes a router from a room and serves it until cancelled; then it stops accepting and
//! lets requests in flight finish. Must never know what a router answers.

use axum::Router;
use axum::serve::ListenerExt;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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

/// Serves until cancelled, and returns when the last request in flight is answered.
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
    axum::serve(socket, router)
        .with_graceful_shutdown(cancel.cancelled_owned())
        .await
}
