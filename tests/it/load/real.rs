//! A real Prometheus that asks for a password over TLS (`--web.config.file`).

use super::*;
use crate::prometheus::{self, BINARY, free_port};
use crate::tls::Authority;
use heliotrope_core::rightsizing::Shape;
use std::fs;
use std::time::{Duration, Instant};

/// The password, and what bcrypt makes of it in four rounds of two.
const PASSWORD: &str = "hush-hush";
const HASH: &str = "$2b$04$U6I5Yh5V5G8wEf3HQJAQZ.Xaeon729j5ClsTS7FdWb8lh.NwDPCn.";
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_takes_the_password_and_its_certificate_is_taken() {
    let Some(binary) = std::env::var_os(BINARY) else {
        eprintln!("SKIPPED: {BINARY} is not set; `hack/prometheus.sh` prints what to set it to");
        return;
    };
    with_tls();
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::of("127.0.0.1"));
    let at = |name: &str| folder.path().join(name);
    for (name, text) in [
        ("prometheus.yml", "scrape_configs: []\n"),
        ("server.pem", &authority.certificate),
        ("server.key", &authority.key),
        ("ca.pem", &authority.pem),
        ("password", PASSWORD),
        (
            "web.yml",
            &format!(
                "tls_server_config: {{cert_file: server.pem, key_file: server.key}}\nbasic_auth_users: {{heliotrope: '{HASH}'}}\n"
            ),
        ),
    ] {
        fs::write(at(name), text).unwrap();
    }
    let port = free_port();
    let web = format!("--web.config.file={}", at("web.yml").display());
    let _running = prometheus::start(&binary, folder.path(), port, &[web]);

    let reader = |access: &str| {
        let text = format!(
            "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nload: {{prometheus: {{url: 'https://127.0.0.1:{port}', access: {{{access}}}}}}}\n"
        );
        let settings = parse(&text, folder.path()).unwrap().settings;
        let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
        let client = kube::Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
        Reader::new(&settings.load, &http, client, Metrics::new())
    };
    let three = Source::Prometheus {
        query: text("vector(3)"),
        shape: Shape::Total,
    };
    let sources = [three];
    let ask = async |reader: &Reader| reader.read(&target(&two()), &sources, None, None, NOW).await;

    let known = reader("username: heliotrope, passwordFile: password, caFile: ca.pem");
    let start = Instant::now();
    while ask(&known).await.readings != [MetricReading::Values(vec![3000])] {
        assert!(start.elapsed() < PATIENCE, "{:?}", told(&ask(&known).await));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    fails(
        &ask(&reader("caFile: ca.pem")).await,
        Signal::Absent,
        "it wants a token, a password",
    );
    fails(
        &ask(&reader("username: heliotrope, passwordFile: password")).await,
        Signal::Absent,
        "a certificate that is not trusted",
    );
    // The same reader, by what the file holds.
    fs::write(at("password"), "hush-wrong").unwrap();
    fails(&ask(&known).await, Signal::Absent, "(401): it refuses");
    fs::write(at("password"), PASSWORD).unwrap();
    assert_eq!(ask(&known).await.readings, [MetricReading::Values(vec![3000])]);
}
