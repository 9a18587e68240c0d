//! A Prometheus that wants to know who asks.

use super::*;
use crate::captured::Log;
use crate::tls::Authority;
use heliotrope::app::settings::SettingsError;
use heliotrope_core::rightsizing::Shape;
use serde_json::json;
use std::fs;
use tempfile::TempDir;

/// Parts of every secret here, and of the password as a header has it.
const SECRETS: [&str; 2] = ["hush", "aHVza"];
/// Settings without the plain http that the other tests need.
const TLS: &str = "";
const PLAIN: &str = "outbound: {allowPlainHttp: ['127.0.0.1']}\n";

/// A fake, a folder with files, and a reader of the one by the other.
struct Site {
    server: FakeServer,
    folder: TempDir,
    reader: Reader,
    metrics: Metrics,
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn file(outbound: &str, url: &str, access: &str) -> String {
    format!(
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\n{outbound}load: {{prometheus: {{url: '{url}', access: {{{access}}}}}}}\n"
    )
}

fn problems(outbound: &str, url: &str, access: &str) -> Vec<String> {
    match parse(&file(outbound, url, access), Path::new("/")) {
        Ok(_) => Vec::new(),
        Err(SettingsError::Refused { findings }) => findings.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
    }
}

impl Site {
    async fn plain(access: &str, files: &[(&str, &str)]) -> Self {
        Self::new(FakeServer::start().await, PLAIN, access, files)
    }

    fn new(server: FakeServer, outbound: &str, access: &str, files: &[(&str, &str)]) -> Self {
        with_tls();
        let folder = folder(files);
        let loaded = parse(&file(outbound, &server.url(), access), folder.path());
        let settings = loaded.unwrap_or_else(|error| panic!("{error:?}")).settings;
        assert_silent(&format!("{settings:?}"));
        let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
        // Nothing here asks the API server.
        let client = kube::Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
        let metrics = Metrics::new();
        let reader = Reader::new(&settings.load, &http, client, metrics.clone());
        assert_silent(&format!("{reader:?}"));
        server.gives(&[(json!({"heliotrope_part": "value"}), "3")]);
        Self {
            server,
            folder,
            reader,
            metrics,
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    async fn ask(&self) -> Observed {
        let up = Source::Prometheus {
            query: text("sum(up)"),
            shape: Shape::Total,
        };
        let observed = self.reader.read(&target(&two()), &[up], None, None, NOW).await;
        assert_silent(&format!("{observed:?} {}", told(&observed).join(" ")));
        observed
    }

    /// An answer came.
    async fn answers(&self) {
        assert_eq!(self.ask().await.readings, [MetricReading::Values(vec![3000])]);
    }

    /// None did, and it is told why and counted.
    async fn refuses(&self, why: &str, outcome: &str) {
        let before = self.counted(outcome);
        fails(&self.ask().await, Signal::Absent, why);
        assert_eq!(self.counted(outcome), before + 1, "{}", self.metrics.exposition());
    }

    fn counted(&self, outcome: &str) -> u64 {
        let series = format!(r#"heliotrope_load_reads_total{{api="prometheus",outcome="{outcome}"}} "#);
        let page = self.metrics.exposition();
        let count = page.lines().find_map(|line| line.strip_prefix(&series));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

fn assert_silent(text: &str) {
    let held = text
        .lines()
        .find(|line| SECRETS.iter().any(|secret| line.contains(secret)));
    assert!(held.is_none(), "a secret is shown: {held:?}");
}

#[tokio::test]
async fn a_token_is_shown_and_the_next_one_once_it_has_come() {
    let site = Site::plain("tokenFile: token", &[("token", "hush-1\n")]).await;
    site.answers().await;
    site.write("token", "hush-2");
    site.answers().await;
    assert_eq!(site.server.shown("authorization"), ["Bearer hush-1", "Bearer hush-2"]);
}

#[tokio::test]
async fn a_password_is_shown_with_its_user() {
    let site = Site::plain("username: 123456, passwordFile: password", &[("password", "hush-hush")]).await;
    site.answers().await;
    // base64 of 123456:hush-hush
    assert_eq!(site.server.shown("authorization"), ["Basic MTIzNDU2Omh1c2gtaHVzaA=="]);
}

#[tokio::test]
async fn headers_are_shown_beside_it() {
    let access = "tokenFile: token, headers: {X-Scope-OrgID: 'hush-a|hush-b'}, headerFiles: {X-Api-Key: key}";
    let site = Site::plain(access, &[("token", "hush-1"), ("key", "hush-key")]).await;
    site.answers().await;
    let shown = ["authorization", "x-scope-orgid", "x-api-key"].map(|name| site.server.shown(name).concat());
    assert_eq!(shown, ["Bearer hush-1", "hush-a|hush-b", "hush-key"]);
}

#[tokio::test]
async fn nothing_is_shown_unless_it_is_asked_for() {
    let site = Site::plain("", &[]).await;
    site.answers().await;
    assert_eq!(site.server.shown("authorization"), [""]);
}

/// A server can echo what it was shown: nothing of its words is repeated.
#[tokio::test]
async fn a_refusal_is_a_cause_of_its_own_without_a_word_of_what_was_shown() {
    let path = "/api/v1/query";
    let (log, _guard) = Log::of_this_thread();
    let site = Site::plain("tokenFile: token", &[("token", "hush-1")]).await;
    site.server.answers(path, 401, "no: Bearer hush-1");
    site.refuses("(401): it refuses what load.prometheus.access shows", "denied")
        .await;
    site.server.answers(path, 403, "hush-1 may not");
    site.refuses("(403): give the account of load.prometheus.access the right", "denied")
        .await;
    let open = Site::plain("", &[]).await;
    open.server.answers(path, 401, "no org id");
    open.refuses("(401): it wants a token, a password or a header", "denied")
        .await;
    assert_silent(&log.text());
    let warned = log.text().matches("127.0.0.1 answered 401").count();
    assert_eq!(warned, 2, "once each, however often it is asked: {}", log.text());
}

#[tokio::test]
async fn nothing_goes_where_a_redirect_points() {
    let elsewhere = FakeServer::start().await;
    let access = "tokenFile: token, headers: {X-Scope-OrgID: hush-a}";
    let site = Site::plain(access, &[("token", "hush-1")]).await;
    for status in [301, 302, 303, 307, 308] {
        site.server
            .redirects(status, &format!("{}/api/v1/query", elsewhere.url()));
        site.refuses("must be the address that it points to", "status").await;
    }
    assert_eq!(elsewhere.asked(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_holds_no_secret_is_told_to_the_operator_alone() {
    let (log, _guard) = Log::of_this_thread();
    let site = Site::plain("tokenFile: token", &[]).await;
    for text in [None, Some(""), Some("hush two words"), Some("hush\u{fc}")] {
        if let Some(text) = text {
            site.write("token", text);
        }
        let observed = site.ask().await;
        fails(&observed, Signal::Absent, "load.prometheus.access.tokenFile");
        let folder = site.folder.path().display().to_string();
        assert!(!told(&observed).concat().contains(&folder), "a tenant reads it");
    }
    assert_eq!(
        (site.counted("key"), site.server.asked()),
        (4, Vec::new()),
        "nobody was asked"
    );
    let log = log.text();
    assert_silent(&log);
    let path = site.folder.path().join("token").display().to_string();
    assert!(
        log.contains("load.prometheus.access.tokenFile: ") && log.contains(&path),
        "{log}"
    );
}

#[tokio::test]
async fn secrets_go_without_tls_only_where_that_is_allowed() {
    let told = problems(TLS, "http://prometheus.monitoring:9090", "tokenFile: token");
    assert!(
        told.len() == 1
            && told[0].contains("load.prometheus.access: ")
            && told[0].contains("outbound.allowPlainHttp"),
        "{told:?}"
    );
    assert_eq!(
        problems(TLS, "http://prometheus.monitoring:9090", ""),
        [""; 0],
        "there is no secret"
    );
    assert_eq!(
        problems(TLS, "https://prometheus.monitoring:9090", "tokenFile: token"),
        [""; 0]
    );
    let allowed = file(
        "outbound: {allowPlainHttp: [prometheus.monitoring, '127.0.0.1', localhost]}\n",
        "http://prometheus.monitoring:9090",
        "tokenFile: token",
    );
    let clear = |text: &str| {
        let settings = parse(text, Path::new("/")).unwrap().settings;
        settings.in_the_clear().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(clear(&allowed), ["load.prometheus.access"], "`check` says so");
    for loopback in ["http://127.0.0.1:9090", "http://localhost:9090"] {
        assert_eq!(
            clear(&allowed.replace("http://prometheus.monitoring:9090", loopback)),
            [""; 0]
        );
    }
    // What the settings refuse the client refuses too.
    let server = FakeServer::start().await;
    let https = file(
        TLS,
        &server.url().replace("http:", "https:"),
        "headers: {X-Scope-OrgID: hush-a}",
    );
    let mut settings = parse(&https, Path::new("/")).unwrap().settings;
    settings.load.prometheus.as_mut().unwrap().url = server.url().parse().unwrap();
    with_tls();
    let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
    let client = kube::Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let reader = Reader::new(&settings.load, &http, client, Metrics::new());
    let up = Source::Prometheus {
        query: text("up"),
        shape: Shape::Total,
    };
    let observed = reader.read(&target(&two()), &[up], None, None, NOW).await;
    fails(&observed, Signal::Absent, "outbound.allowPlainHttp");
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_and_no_other() {
    with_tls();
    let (own, other) = (Authority::of("127.0.0.1"), Authority::of("127.0.0.1"));
    let server = FakeServer::with_tls(&own).await;
    let files = [("ca.pem", own.pem.as_str()), ("token", "hush-1")];
    let site = Site::new(server, TLS, "tokenFile: token, caFile: ca.pem", &files);
    site.answers().await;
    // The bundle changes: the next call goes by it.
    site.write("ca.pem", &other.pem);
    site.refuses("load.prometheus.access.caFile names the authority", "certificate")
        .await;
    site.write("ca.pem", &format!("{}{}", other.pem, own.pem));
    site.answers().await;
    for (text, outcome) in [("", "key"), ("-----BEGIN CERTIFICATE-----\nno\n", "key")] {
        site.write("ca.pem", text);
        site.refuses("load.prometheus.access.caFile", outcome).await;
    }
    fs::remove_file(site.folder.path().join("ca.pem")).unwrap();
    site.refuses("load.prometheus.access.caFile", "key").await;
    assert_eq!(
        site.server.shown("authorization"),
        ["Bearer hush-1"; 2],
        "shown to nobody else"
    );
    // Without a bundle the public's authorities count, of which this is none; and a name must be right.
    let site = Site::new(site.server, TLS, "tokenFile: token", &files);
    site.refuses("certificate that is not trusted", "certificate").await;
    let stranger = Authority::of("prometheus.example");
    let server = FakeServer::with_tls(&stranger).await;
    let site = Site::new(server, TLS, "caFile: ca.pem", &[("ca.pem", &stranger.pem)]);
    site.refuses("certificate that is not trusted", "certificate").await;
    assert_eq!(site.server.asked(), [""; 0]);
}

#[test]
fn everything_that_is_wrong_with_access_is_told_with_its_key() {
    let (https, http) = ("https://p.example.com", "http://p.example.com");
    let many: Vec<String> = (0..17).map(|i| format!("X-{i}: a")).collect();
    for (url, access, key, why) in [
        (
            https,
            "tokenFile: a, username: me, passwordFile: b",
            "tokenFile",
            "one of the two",
        ),
        (https, "tokenFile: a, passwordFile: b", "tokenFile", "one of the two"),
        (https, "username: me", "passwordFile", "is missing"),
        (https, "passwordFile: b", "username", "is missing"),
        (
            https,
            "username: 'hush:x', passwordFile: b",
            "username",
            "without a colon",
        ),
        (
            https,
            "headers: {'a b': x}",
            "headers.a b",
            "is not the name of a header",
        ),
        (
            https,
            "headers: {X-Scope-OrgID: 'hush two'}",
            "headers.X-Scope-OrgID",
            "visible ASCII",
        ),
        (
            https,
            "headers: {X-Scope-OrgID: ''}",
            "headers.X-Scope-OrgID",
            "visible ASCII",
        ),
        (
            https,
            "headers: {Authorization: hush}",
            "headers.Authorization",
            "`tokenFile`",
        ),
        (https, "headers: {HOST: hush}", "headers.HOST", "the client writes"),
        (
            https,
            "headerFiles: {cookie: a}",
            "headerFiles.cookie",
            "the client writes",
        ),
        (
            https,
            "headers: {X-A: hush}, headerFiles: {x-a: b}",
            "headerFiles.x-a",
            "stands here twice",
        ),
        (http, "caFile: ca.pem", "caFile", "has no effect without tls"),
    ] {
        let told = problems(TLS, url, access);
        let wanted = format!("load.prometheus.access.{key}: ");
        assert!(
            told.len() == 1 && told[0].contains(&wanted) && told[0].contains(why),
            "{access}: {told:?}"
        );
        assert_silent(&told.concat());
    }
    let told = problems(TLS, https, &format!("headers: {{{}}}", many.join(", ")));
    assert!(told.len() == 1 && told[0].contains("16 at most"), "{told:?}");
    let told = problems(TLS, https, "token: hush, password: hush");
    assert!(
        told.len() == 2 && told[0].contains("`passwordFile`") | told[0].contains("`tokenFile`"),
        "{told:?}"
    );
    assert_silent(&told.concat());
    let alone = parse(
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nload: {prometheus: {access: {tokenFile: a}}}\n",
        Path::new("/"),
    );
    assert!(format!("{:?}", alone.unwrap_err()).contains("load.prometheus.url"));
}

/// `heliotrope check` looks into the files before anything runs, and shows none of them.
#[test]
fn check_says_which_files_hold_nothing() {
    let folder = folder(&[("token", "hush two"), ("ca.pem", "hush")]);
    let access = "tokenFile: token, caFile: ca.pem, headerFiles: {X-Api-Key: gone}";
    let outbound = "outbound: {allowHosts: []}\n";
    let path = folder.path().join("settings.yaml");
    fs::write(&path, file(outbound, "https://p.example.com", access)).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .args(["check", "--config"])
        .arg(&path)
        .output()
        .unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for key in ["tokenFile: key file", "caFile: the ca file holds no certificate"] {
        assert!(told.contains(&format!("load.prometheus.access.{key}")), "{key}: {told}");
    }
    assert_silent(&told);
}
