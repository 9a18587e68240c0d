//! The transport: methods, paths, headers, framing, and bodies that are no requests.

use super::go::ExtenderFilterResult;
use crate::rig::{NORTH, PATIENCE, Reply, Rig, all, exchange, job, names_body, request};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const STRICT: &str = "placement: {mode: strict, wake: {default: 0}}";
const CLOSE: &str = "connection: close";

fn body() -> Vec<u8> {
    names_body(&job("a", 1), &all()).into_bytes()
}

fn length(body: &[u8]) -> String {
    format!("content-length: {}", body.len())
}

#[rstest]
#[case("GET", "/filter", 405)]
#[case("PUT", "/prioritize", 405)]
#[case("POST", "/", 404)]
#[case("POST", "/bind", 404)]
#[case("POST", "/Filter", 404)]
#[case("POST", "/filter/", 404)]
#[tokio::test]
async fn other_methods_and_paths_are_none(#[case] method: &str, #[case] path: &str, #[case] status: u16) {
    let rig = Rig::start(STRICT).await;
    let body = body();
    let sent = request(method, path, &[&length(&body), CLOSE], &body);
    assert_eq!(exchange(rig.extender, &sent).await.status, status);
}

#[rstest]
#[case::what_kube_scheduler_sends("content-type: application/json")]
#[case::another_content_type("content-type: text/plain")]
#[case::a_charset("content-type: application/json; charset=utf-8")]
#[case::an_offer_to_compress("accept-encoding: gzip, br")]
#[case::an_expectation("expect: 100-continue")]
#[tokio::test]
async fn headers_do_not_matter(#[case] header: &str) {
    let rig = Rig::start(STRICT).await;
    let body = body();
    let sent = request("POST", "/filter", &[header, &length(&body), CLOSE], &body);
    let mut stream = TcpStream::connect(rig.extender).await.unwrap();
    stream.write_all(&sent).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let bytes = bytes.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&bytes);
    let reply = Reply::parse(bytes);
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json::<ExtenderFilterResult>().kept(), NORTH);
}

#[tokio::test]
async fn a_chunked_body_is_read() {
    let rig = Rig::start(STRICT).await;
    let mut chunks = Vec::new();
    for part in body().chunks(100) {
        chunks.extend(format!("{:x}\r\n", part.len()).into_bytes());
        chunks.extend(part);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    let sent = request("POST", "/filter", &["transfer-encoding: chunked", CLOSE], &chunks);
    let answer: ExtenderFilterResult = exchange(rig.extender, &sent).await.json();
    assert_eq!(answer.kept(), NORTH);
}

#[tokio::test]
async fn a_connection_is_kept_and_serves_the_next_request() {
    let rig = Rig::start(STRICT).await;
    let body = body();
    let mut stream = TcpStream::connect(rig.extender).await.unwrap();
    let first = request("POST", "/filter", &[&length(&body)], &body);
    let last = request("POST", "/filter", &[&length(&body), CLOSE], &body);
    // The second is sent before the first is answered.
    stream.write_all(&[first, last].concat()).await.unwrap();
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap().matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(rig.answered("filter", "applied"), 2);
}

#[rstest]
#[case::nothing(b"")]
#[case::no_json(b"name=a&nodes=b")]
#[case::broken_off(br#"{"Pod":{"metadata":{"name":"secret-of-a-tenant""#)]
#[case::another_type(br#"{"Pod":{"metadata":{"name":["secret-of-a-tenant"]}},"NodeNames":[]}"#)]
#[case::a_list(b"[]")]
#[case::no_pod(br#"{"NodeNames":["secret-of-a-tenant"]}"#)]
#[case::null_pod(br#"{"Pod":null,"NodeNames":["secret-of-a-tenant"]}"#)]
#[case::more_after_the_end(br#"{"Pod":{"metadata":{"name":"a","uid":"b"}},"NodeNames":[]}{}"#)]
#[case::no_utf8(b"{\"Pod\":{\"metadata\":{\"name\":\"\xff\",\"uid\":\"b\"}},\"NodeNames\":[]}")]
#[case::compressed(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")]
#[tokio::test]
async fn what_cannot_be_decoded_is_refused_without_repeating_it(#[case] body: &[u8]) {
    let rig = Rig::start(STRICT).await;
    for verb in ["filter", "prioritize", "preempt"] {
        let reply = rig.post(&format!("/{verb}"), body).await;
        assert_eq!(reply.status, 400, "{verb}");
        assert!(
            reply.text().starts_with("body is not what kube-scheduler sends: "),
            "{}",
            reply.text()
        );
        assert!(!reply.text().contains("secret"), "{}", reply.text());
        assert_eq!(rig.answered(verb, "undecodable"), 1);
    }
    assert_eq!(
        rig.post("/filter", names_body(&job("a", 1), &all())).await.status,
        200,
        "the next is answered"
    );
}

#[tokio::test]
async fn nesting_without_end_is_refused() {
    let rig = Rig::start(STRICT).await;
    for open in ["[", r#"{"a":"#] {
        let deep = format!(r#"{{"Pod":{{"spec":{{"later":{}"#, open.repeat(100_000));
        assert_eq!(rig.post("/filter", deep).await.status, 400);
    }
    rig.assert_running();
}
