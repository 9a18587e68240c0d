//! Who is answered `/explain` and `/report`.

use super::reviews::{Bearer, FakeReviewServer};
use crate::captured::Log;
use crate::rig::{NORTH, Reply, Rig, all, exchange, job, names_body, request, until};
use heliotrope::admin::settings::AdminAuth;
use heliotrope::app::callers;
use rstest::rstest;
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::sync::Arc;

const PREFER: &str = "placement: {mode: prefer, wake: {default: 0}}";
/// A token of the shape that nothing may repeat.
const ML: &str = "token-of-ml-73f1";
const SITE: &str = "token-of-site-9c02";
const OWN: &str = "token-for-heliotrope-alone-1d4e";
const OTHER: &str = "token-for-another-service-aa17";

fn bearers() -> [(&'static str, Bearer); 4] {
    let bearer = |user, audience, namespaces: &[&'static str]| Bearer {
        user,
        audience,
        namespaces: namespaces.to_vec(),
    };
    [
        (ML, bearer("ml-person", None, &["ml"])),
        (SITE, bearer("site-person", None, &[""])),
        (OWN, bearer("ml-person", Some("heliotrope"), &["ml"])),
        (OTHER, bearer("ml-person", Some("vault"), &["ml"])),
    ]
}

/// A process that remembers the pod `ml/a`, and the API server that it asks about callers.
async fn guarded() -> (Rig, FakeReviewServer) {
    let server = FakeReviewServer::start(&bearers()).await;
    let rig = Rig::guarded(PREFER, callers::access(AdminAuth::Token, &server.client())).await;
    rig.post("/filter", names_body(&job("a", 2), &all())).await;
    rig.settle().await;
    (rig, server)
}

async fn ask(rig: &Rig, path: &str, token: Option<&str>) -> Reply {
    let authorization = token.map(|token| format!("authorization: Bearer {token}"));
    let headers: Vec<&str> = std::iter::once("connection: close")
        .chain(authorization.as_deref())
        .collect();
    exchange(rig.admin, &request("GET", path, &headers, b"")).await
}

fn let_through(rig: &Rig, outcome: &str) -> u64 {
    rig.counted(&format!(r#"heliotrope_admin_callers_total{{outcome="{outcome}"}}"#))
}

#[tokio::test]
async fn an_explanation_is_for_who_may_get_the_pods_of_its_namespace() {
    let (rig, _server) = guarded().await;
    let allowed = ask(&rig, "/explain?pod=ml/a", Some(ML)).await;
    assert_eq!(allowed.json::<Value>()["pod"], "ml/a");
    assert_eq!(ask(&rig, "/explain?pod=ml/a", Some(SITE)).await.status, 200);
    assert_eq!(
        ask(&rig, "/explain?pod=ml/a", Some(OWN)).await.status,
        200,
        "a token for heliotrope alone"
    );

    let nobody = ask(&rig, "/explain?pod=ml/a", None).await;
    assert_eq!(
        (nobody.status, nobody.header("www-authenticate")),
        (401, Some(r#"Bearer realm="heliotrope""#))
    );
    for unknown in ["made-up", OTHER] {
        let reply = ask(&rig, "/explain?pod=ml/a", Some(unknown)).await;
        assert_eq!(reply.status, 401, "{unknown}");
        assert!(reply.header("www-authenticate").unwrap().contains("invalid_token"));
    }
    // Whether something is remembered of a namespace is its business too.
    for pod in ["other/a", "other/nobody"] {
        assert_eq!(
            ask(&rig, &format!("/explain?pod={pod}"), Some(ML)).await.status,
            403,
            "{pod}"
        );
    }
    assert_eq!(ask(&rig, "/explain?pod=ml/nobody", Some(ML)).await.status, 404);
    assert_eq!((let_through(&rig, "allowed"), let_through(&rig, "denied")), (4, 2));
    assert_eq!((let_through(&rig, "no-token"), let_through(&rig, "unknown")), (1, 2));
}

#[tokio::test]
async fn a_report_is_for_who_may_get_pods_everywhere_and_health_and_metrics_for_all() {
    let (rig, server) = guarded().await;
    assert_eq!(ask(&rig, "/report", Some(SITE)).await.status, 200);
    assert_eq!(ask(&rig, "/report", Some(ML)).await.status, 403);
    assert_eq!(ask(&rig, "/report?from=nonsense", None).await.status, 401);
    let asked = server.asked().len();
    for open in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(ask(&rig, open, None).await.status, 200, "{open}");
    }
    assert_eq!(server.asked().len(), asked);
}

#[tokio::test]
async fn a_question_that_no_namespace_can_be_in_is_not_asked_about() {
    let (rig, server) = guarded().await;
    for pod in ["a", "ML/a", "/a", "%2A/a", "a%0Ab/c"] {
        assert_eq!(
            ask(&rig, &format!("/explain?pod={pod}"), Some(ML)).await.status,
            404,
            "{pod}"
        );
    }
    assert_eq!(server.asked(), Vec::<Value>::new());
}

#[tokio::test]
async fn answers_are_remembered_by_token_and_namespace_and_a_crowd_asks_once() {
    let (rig, server) = guarded().await;
    let crowd = (0..6).map(|_| ask(&rig, "/explain?pod=ml/a", Some(OWN)));
    for reply in futures::future::join_all(crowd).await {
        assert_eq!(reply.status, 200);
    }
    assert_eq!(
        (server.count("TokenReview"), server.count("SubjectAccessReview")),
        (1, 1)
    );
    ask(&rig, "/explain?pod=other/a", Some(OWN)).await;
    ask(&rig, "/explain?pod=other/a", Some(OWN)).await;
    assert_eq!(
        (server.count("TokenReview"), server.count("SubjectAccessReview")),
        (1, 2)
    );
    // Another token is another caller, though it be of the same user. One for the API server takes two looks.
    ask(&rig, "/explain?pod=ml/a", Some(ML)).await;
    assert_eq!(
        (server.count("TokenReview"), server.count("SubjectAccessReview")),
        (3, 3)
    );
    ask(&rig, "/explain?pod=ml/a", Some("made-up")).await;
    ask(&rig, "/explain?pod=other/a", Some("made-up")).await;
    assert_eq!(
        (server.count("TokenReview"), server.count("SubjectAccessReview")),
        (5, 3)
    );
}

#[tokio::test]
async fn nobody_is_answered_while_the_cluster_cannot_be_asked() {
    let (rig, server) = guarded().await;
    for (status, body) in [
        (500, "{}"),
        (403, r#"{"kind":"Status","code":403}"#),
        (429, "later"),
        (201, "not json"),
        (201, r#"{"kind":"TokenReview"}"#),
        (200, r#"{"kind":"Status","status":"Success"}"#),
    ] {
        server.breaks(status, body);
        let reply = ask(&rig, "/explain?pod=ml/a", Some(ML)).await;
        assert_eq!(reply.status, 503, "{status} {body}");
        assert!(reply.header("retry-after").is_some());
    }
    assert_eq!(let_through(&rig, "unreviewed"), 6);
    // A failure is not remembered; a yes outlives one.
    server.mends();
    assert_eq!(ask(&rig, "/explain?pod=ml/a", Some(ML)).await.status, 200);
    server.breaks(500, "{}");
    assert_eq!(ask(&rig, "/explain?pod=ml/a", Some(ML)).await.status, 200);
    assert_eq!(ask(&rig, "/explain?pod=other/a", Some(ML)).await.status, 503);
    assert_eq!(ask(&rig, "/livez", None).await.status, 200);
}

/// An answer to both questions at once; what is not in it is what a server may leave out.
#[rstest]
#[case::as_it_should_be(201, json!({ "authenticated": true, "audiences": ["heliotrope"], "user": { "username": "p" }, "allowed": true }), 200)]
#[case::of_a_server_without_audiences(201, json!({ "authenticated": true, "user": { "username": "p" }, "allowed": true }), 200)]
#[case::allowed_and_denied(201, json!({ "authenticated": true, "user": { "username": "p" }, "allowed": true, "denied": true }), 403)]
#[case::neither(201, json!({ "authenticated": true, "user": { "username": "p" } }), 403)]
#[case::not_authenticated(201, json!({ "user": { "username": "p" }, "allowed": true }), 401)]
#[case::nobody(201, json!({ "authenticated": true, "user": { "username": "" }, "allowed": true }), 401)]
#[case::no_user(201, json!({ "authenticated": true, "allowed": true }), 401)]
#[case::a_yes_with_an_error(500, json!({ "authenticated": true, "user": { "username": "p" }, "allowed": true }), 503)]
#[case::a_yes_without_end(201, json!({ "authenticated": true, "user": { "username": "p" }, "allowed": true, "error": "x".repeat(128 * 1024) }), 503)]
#[tokio::test]
async fn only_a_clear_yes_is_one(#[case] status: u16, #[case] answer: Value, #[case] told: u16) {
    let (rig, server) = guarded().await;
    server.breaks(status, &json!({ "status": answer }).to_string());
    assert_eq!(ask(&rig, "/explain?pod=ml/a", Some(ML)).await.status, told);
}

#[tokio::test]
async fn a_token_for_another_is_none_though_the_server_leaves_that_to_us() {
    let (rig, server) = guarded().await;
    server.ignores_audiences();
    assert_eq!(ask(&rig, "/explain?pod=ml/a", Some(OWN)).await.status, 200);
    assert_eq!(ask(&rig, "/explain?pod=ml/a", Some(OTHER)).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cannot_make_the_listener_flood_the_api_server() {
    let (rig, server) = guarded().await;
    let rig = Arc::new(rig);
    server.hold(true);
    let strangers: Vec<_> = (0..30)
        .map(|n| {
            let rig = Arc::clone(&rig);
            tokio::spawn(async move {
                ask(&rig, "/explain?pod=ml/a", Some(&format!("stranger-{n}")))
                    .await
                    .status
            })
        })
        .collect();
    until("22 turned away", || let_through(&rig, "unreviewed") == 22).await;
    until("eight questions under way", || server.asked().len() == 8).await;
    server.hold(false);
    for stranger in strangers {
        assert!([401, 503].contains(&stranger.await.unwrap()));
    }
    // One after another they get no further than the burst and what is earned meanwhile, twenty a second.
    let started = std::time::Instant::now();
    for n in 0..200 {
        ask(&rig, "/explain?pod=ml/a", Some(&format!("another-{n}"))).await;
    }
    let earned = started.elapsed().as_millis() / 50 + 2;
    let asked = server.asked().len() as u128;
    assert!(asked <= 60 + 16 + earned, "{asked} questions, {earned} earned");
    assert!(let_through(&rig, "unreviewed") > 22, "some were turned away");
    rig.assert_running();
}

#[tokio::test]
async fn the_scheduler_is_answered_while_callers_wait() {
    let (rig, server) = guarded().await;
    server.hold(true);
    let waiting = ask(&rig, "/explain?pod=ml/a", Some(ML));
    let answered = async {
        until("a question", || server.asked().len() == 1).await;
        let reply = rig.post("/filter", names_body(&job("b", 1), &[NORTH[0]])).await;
        server.hold(false);
        reply.json::<Value>()
    };
    let (reply, answer) = tokio::join!(waiting, answered);
    assert_eq!((reply.status, &answer["NodeNames"]), (200, &json!([NORTH[0]])));
}

#[tokio::test]
async fn a_token_is_shown_by_nothing() {
    let (log, _guard) = Log::of_this_thread();
    let (rig, server) = guarded().await;
    let mut told = Vec::new();
    for (token, path) in [
        (ML, "/explain?pod=ml/a"),
        (ML, "/explain?pod=other/a"),
        (OTHER, "/explain?pod=ml/a"),
    ] {
        let reply = ask(&rig, path, Some(token)).await;
        told.push(format!("{reply:?} {}", reply.text()));
    }
    // As the API server answers, with the question in it, but for the answer.
    server.breaks(
        201,
        &json!({ "kind": "TokenReview", "spec": { "token": SITE }, "status": 7 }).to_string(),
    );
    let reply = ask(&rig, "/report", Some(SITE)).await;
    assert_eq!(reply.status, 503);
    told.push(format!("{reply:?} {}", reply.text()));
    told.push(rig.metrics.exposition());
    told.push(format!("{:?}", heliotrope::cluster::Reviews::new(server.client())));
    assert!(
        log.text().contains("nobody knows what callers may read"),
        "the log was taken in"
    );
    told.push(log.text());
    let told = told.concat();
    assert!(
        !["token-of", "73f1", "9c02", "1d4e", "aa17"]
            .iter()
            .any(|part| told.contains(part)),
        "{told}"
    );
}

#[test]
fn callers_must_show_a_token_unless_the_settings_say_otherwise() {
    let auth = |text: &str| crate::rig::settings(text).admin.auth;
    assert_eq!(auth(""), AdminAuth::Token);
    assert_eq!(auth("admin: {auth: token}"), AdminAuth::Token);
    assert_eq!(auth("admin: {auth: off}"), AdminAuth::Off);
}

/// Asks with the binary, with or without a token in a file.
fn command(rig: &Rig, arguments: &[&str], token: Option<&str>) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_heliotrope"));
    command.args(arguments).env("NO_PROXY", "127.0.0.1");
    command.env("HELIOTROPE_ADMIN", format!("http://{}", rig.admin));
    if let Some(token) = token {
        std::fs::write(file.path(), format!("{token}\n")).unwrap();
        command.arg("--token-file").arg(file.path());
    }
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_show_the_token_of_a_file() {
    let (rig, server) = guarded().await;
    for (arguments, token) in [(&["explain", "ml/a"][..], ML), (&["report"], SITE)] {
        let told = command(&rig, arguments, Some(token));
        assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
    }
    let complaint = |arguments: &[&str], token: Option<&str>| {
        let told = command(&rig, arguments, token);
        assert_eq!(told.status.code(), Some(1));
        assert!(told.stdout.is_empty());
        String::from_utf8(told.stderr).unwrap()
    };
    assert!(complaint(&["explain", "ml/a"], None).contains("--token-file"));
    assert!(complaint(&["explain", "ml/a"], Some("made-up")).contains("does not know the token"));
    assert!(complaint(&["explain", "other/a"], Some(ML)).contains("right to get the pods"));
    assert!(complaint(&["report"], Some(ML)).contains("right to get the pods"));
    server.breaks(500, "{}");
    let refused = complaint(&["report"], Some(OWN));
    assert!(refused.contains("try again") && !refused.contains("1d4e"), "{refused}");
    let empty = complaint(&["report"], Some(""));
    assert!(empty.contains("is empty"), "{empty}");
}
