//! The listener: what is in flight when the process stops, and handlers that break.

use crate::rig::{PATIENCE, Reply, exchange, get, request};
use axum::Router;
use axum::body::Bytes;
use axum::routing::{get as on_get, post as on_post};
use heliotrope::serve::{self, DRAIN_FOR};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
    /// A request has begun.
    begun: Arc<Notify>,
    /// It may go on.
    go_on: Arc<Notify>,
}

async fn serve() -> Served {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let slow = move || async move {
        tell.notify_one();
        wait.notified().await;
        "done"
    };
    let routes = Router::new()
        .route("/slow", on_get(slow))
        .route("/ok", on_get(|| async { "ok" }))
        .route("/echo", on_post(|body: Bytes| async { body }))
        .route("/breaks", on_get(|| async { breaks() }));
    let listener = serve::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let (address, stop) = (listener.address, CancellationToken::new());
    let task = tokio::spawn(serve::run(listener, routes, stop.clone()));
    Served {
        address,
        stop,
        task,
        begun,
        go_on,
    }
}

fn breaks() -> &'static str {
    assert!(std::env::args().count() == usize::MAX, "the test wants a panic here");
    "never"
}

impl Served {
    /// Waits for the end; it must not take longer than given.
    async fn ended(self, within: Duration) {
        tokio::time::timeout(within, self.task)
            .await
            .expect("it still serves")
            .unwrap()
            .unwrap();
    }

    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }
}

async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn g10_a_request_in_flight_is_answered_before_the_end() {
    let served = serve().await;
    let in_flight = served.send(&request("GET", "/slow", &[], b"")).await;
    served.begun.notified().await;
    let idle = served.send(b"").await;
    served.stop.cancel();
    // No new connections; the one that asks for nothing is closed, the one that waits is not.
    assert!(rest(idle).await.is_empty());
    let started = Instant::now();
    while TcpStream::connect(served.address).await.is_ok() {
        assert!(started.elapsed() < PATIENCE, "it still accepts");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!served.task.is_finished());
    served.go_on.notify_one();
    let reply = Reply::parse(&rest(in_flight).await);
    assert_eq!((reply.status, reply.text()), (200, "done"));
    served.ended(DRAIN_FOR / 2).await;
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_the_process_up() {
    let served = serve().await;
    let half_a_head = served.send(b"GET /ok HTTP/1.1\r\nhost: x\r\nx-slow").await;
    let half_a_body = served
        .send(&request("POST", "/echo", &["content-length: 100"], b"half"))
        .await;
    let in_flight = served.send(&request("GET", "/slow", &[], b"")).await;
    served.begun.notified().await;
    served.stop.cancel();
    served.ended(DRAIN_FOR + PATIENCE).await;
    drop((half_a_head, half_a_body, in_flight));
}

#[tokio::test]
async fn a_kept_connection_without_a_request_is_closed_at_once() {
    let served = serve().await;
    let mut kept = served.send(&request("GET", "/ok", &[], b"")).await;
    let mut bytes = [0; 1024];
    assert!(kept.read(&mut bytes).await.unwrap() > 0);
    served.stop.cancel();
    served.ended(DRAIN_FOR / 2).await;
    assert_eq!(kept.read(&mut bytes).await.unwrap(), 0);
}

#[tokio::test]
async fn a_panic_in_a_handler_is_a_500_and_takes_nobody_else_down() {
    let served = serve().await;
    let waits = served.send(&request("GET", "/slow", &["connection: close"], b"")).await;
    served.begun.notified().await;
    for _ in 0..3 {
        let reply = get(served.address, "/breaks").await;
        assert_eq!(reply.status, 500);
        assert!(!reply.text().contains("the test wants"), "the reason is for the log");
    }
    assert_eq!(get(served.address, "/ok").await.text(), "ok");
    served.go_on.notify_one();
    assert_eq!(Reply::parse(&rest(waits).await).text(), "done");
    served.stop.cancel();
    served.ended(DRAIN_FOR / 2).await;
}

#[tokio::test]
async fn what_is_not_http_ends_its_own_connection_only() {
    let served = serve().await;
    for noise in [b"\x16\x03\x01\x02\x00\x01".as_slice(), b"HELLO\r\n\r\n", &[0; 4096]] {
        let mut stream = served.send(noise).await;
        let mut bytes = Vec::new();
        // An answer of 400 or a reset, as the server likes.
        drop(
            tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
                .await
                .unwrap(),
        );
    }
    let long = format!("x-long: {}", "y".repeat(1 << 20));
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    drop(stream.write_all(&request("GET", "/ok", &[&long], b"")).await);
    drop(stream);
    let last = exchange(served.address, &request("GET", "/ok", &["connection: close"], b"")).await;
    assert_eq!(last.text(), "ok");
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let served = serve().await;
    assert!(serve::bind(served.address).await.is_err());
}
