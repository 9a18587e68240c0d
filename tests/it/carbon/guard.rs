//! What may be called, and what is taken from those who are.

use super::*;
use heliotrope::outbound::{Access, OutboundError, PrometheusClient};

fn client(outbound: &str, named: &[&str]) -> HttpClient {
    with_tls();
    let text = format!("apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\noutbound: {outbound}\n");
    let settings = parse(&text, Path::new("/")).unwrap().settings.outbound;
    HttpClient::new(&settings, named.iter().map(|host| (*host).to_owned())).unwrap()
}

async fn get(http: &HttpClient, url: &str) -> Result<Vec<u8>, OutboundError> {
    http.get(url.parse().unwrap()).await
}

#[tokio::test]
async fn only_named_hosts_are_called_and_without_tls_only_if_allowed() {
    let (server, script) = Script::serve(json("{}")).await;
    let url = format!("{}/?key=secret", server.uri());
    let stranger = get(&client("{allowPlainHttp: ['127.0.0.1']}", &["example.com"]), &url).await;
    let plain = get(&client("{}", &["127.0.0.1"]), &url).await;
    for (result, told) in [(stranger, "outbound.allowHosts"), (plain, "outbound.allowPlainHttp")] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), "not-allowed");
        assert!(error.to_string().contains(told), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    assert_eq!(script.times("").len(), 0, "nobody was called");
    let allowed = client("{allowHosts: ['127.0.0.1'], allowPlainHttp: ['127.0.0.1']}", &[]);
    assert_eq!(get(&allowed, &url).await.unwrap(), b"{}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, script) = Script::serve(json("{}")).await;
    for status in [301, 302, 307, 308] {
        let answer = ResponseTemplate::new(status).insert_header("Location", elsewhere.uri().as_str());
        let (server, _) = Script::serve(answer).await;
        let http = client("{allowPlainHttp: ['127.0.0.1']}", &["127.0.0.1"]);
        let error = get(&http, &server.uri()).await.unwrap_err();
        assert!(matches!(error, OutboundError::Status { status: told, .. } if told == status));
    }
    assert_eq!(script.times("").len(), 0);
}

#[tokio::test]
async fn a_body_is_read_up_to_the_cap() {
    let http = client(
        "{allowPlainHttp: ['127.0.0.1'], maxResponseBytes: 2048}",
        &["127.0.0.1"],
    );
    for (bytes, fits) in [(2048, true), (2049, false), (5_000_000, false)] {
        let (server, _) = Script::serve(json("x".repeat(bytes))).await;
        match get(&http, &server.uri()).await {
            Ok(body) => assert!(fits && body.len() == bytes),
            Err(error) => assert!(!fits && error.kind() == "too-long", "{error}"),
        }
    }
}

#[tokio::test]
async fn an_oversize_answer_of_a_provider_is_an_outcome() {
    let (server, _) = Script::serve(json(format!("{{\"data\":[]}}{}", " ".repeat(200_000)))).await;
    let yaml = format!(
        "  basis: direct\n  providers: [{{name: gb, type: gb-carbon-intensity, url: '{}'}}]\n  zones: {{GB: [gb]}}\n",
        server.uri()
    );
    let mut rig = Rig::start(&settings(&yaml), "2018-01-20T12:10:00Z");
    rig.until("too-long", 2).await;
    assert_eq!(rig.drain(), []);
    rig.stop().await;
}

/// A login's answer is a token.
#[tokio::test]
async fn an_answer_is_shown_without_its_body() {
    let (server, _) = Script::serve(json(r#"{"token":"hush"}"#)).await;
    let http = client("{allowPlainHttp: ['127.0.0.1']}", &["127.0.0.1"]);
    let answer = http.call(server.uri().parse().unwrap(), None).await.unwrap();
    assert_eq!(format!("{answer:?}"), "127.0.0.1 answered 200");
    assert!(answer.says("hush"));
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let (server, _) = Script::serve(json("{}").set_delay(Duration::from_secs(60))).await;
    let http = client("{allowPlainHttp: ['127.0.0.1'], timeout: 200ms}", &["127.0.0.1"]);
    let start = Instant::now();
    let error = get(&http, &server.uri()).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(error.to_string().contains("outbound.timeout"), "{error}");
}

#[tokio::test]
async fn prometheus_says_in_its_own_words_what_is_wrong() {
    let http = client("{allowPlainHttp: ['127.0.0.1']}", &["127.0.0.1"]);
    let told = |body: &str, status: u16| {
        let (body, http) = (body.to_owned(), http.clone());
        async move {
            let template = ResponseTemplate::new(status).set_body_raw(body, "application/json");
            let (server, _) = Script::serve(template).await;
            let client = PrometheusClient::new(http, server.uri().parse().unwrap(), &Access::default());
            client.query("up", at("2026-01-01T00:00:00Z")).await
        }
    };
    let vector = r#"{"status":"success","warnings":["one store is down"],"infos":[],"data":{"resultType":"vector","result":[
        {"metric":{"__name__":"up","job":"a"},"value":[1435781451.781,"1"]},{"metric":{"job":"b"},"value":[1435781451.781,"NaN"]},
        {"metric":{"job":"c"},"value":[1435781451.781,"+Inf"]}]}}"#;
    let answer = told(vector, 200).await.unwrap();
    assert_eq!(
        (answer.samples.len(), answer.not_numbers),
        (1, 2),
        "warnings are no errors"
    );
    let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    assert_eq!(told(empty, 200).await.unwrap().samples, []);
    for (body, status, kind) in [
        (
            r#"{"status":"error","errorType":"bad_data","error":"invalid parameter"}"#,
            400,
            "status",
        ),
        (
            r#"{"status":"error","errorType":"execution","error":"too many samples"}"#,
            422,
            "status",
        ),
        (
            r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
            503,
            "status",
        ),
        (
            r#"{"status":"error","errorType":"bad_data","error":"invalid parameter"}"#,
            200,
            "shape",
        ),
        (
            r#"{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"1"]}}"#,
            200,
            "shape",
        ),
        ("<html>login</html>", 200, "shape"),
    ] {
        let error = told(body, status).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{body}");
    }
    let long = format!(r#"{{"status":"error","error":"{}"}}"#, "x".repeat(5000));
    assert!(told(&long, 200).await.unwrap_err().to_string().len() < 400);
}

#[test]
fn hosts_are_checked_when_settings_are() {
    let raw =
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\noutbound: {allowHosts: ['https://example.com/']}\n";
    let error = parse(raw, Path::new("/")).unwrap_err();
    assert!(format!("{error:?}").contains("outbound.allowHosts"), "{error:?}");
}
