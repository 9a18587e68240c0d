use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

/// A loopback port that was free a moment ago. The kernel hands out others for a long while before it comes back to it.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until something listens.
pub(crate) async fn wait_for_port(port: u16, patience: Duration) {
    let until = Instant::now() + patience;
    while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .is_err()
    {
        assert!(
            Instant::now() < until,
            "nothing listens on 127.0.0.1:{port} after {patience:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
