//! Limits and states in which an answer is neutral or refused.

use super::go::{ExtenderFilterResult, ExtenderPreemptionResult};
use super::{above, filter, scores};
use crate::rig::{CENTRAL, NORTH, PATIENCE, Reply, Rig, WEST, all, exchange, job, names_body, request, until};
use heliotrope_core::snapshot::ClusterEvent;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const STRICT: &str = "placement: {mode: strict, wake: {default: 0}}";

/// The neutral answers to all three calls: everything is offered back, and all scores are equal.
async fn assert_neutral(rig: &Rig, outcome: &str) {
    let pod = job("a", 1);
    let before = ["filter", "prioritize", "preempt"].map(|verb| rig.answered(verb, outcome));
    let answer = filter(rig, &pod, &all()).await;
    assert_eq!(answer.kept(), all());
    assert!(answer.refused().is_empty());
    assert!(scores(rig, &pod, &all()).await.values().all(|score| *score == 0));
    let victims = json!({ CENTRAL[0]: { "Pods": [{ "UID": "v" }], "NumPDBViolations": 0 } });
    let body = json!({ "Pod": pod, "NodeNameToVictims": null, "NodeNameToMetaVictims": victims });
    let answer: ExtenderPreemptionResult = rig.post("/preempt", body.to_string()).await.json();
    assert_eq!(answer.node_name_to_meta_victims.len(), 1);
    let after = ["filter", "prioritize", "preempt"].map(|verb| rig.answered(verb, outcome));
    assert_eq!(
        after,
        before.map(|count| count + 1),
        "{outcome} is not what was counted"
    );
}

#[tokio::test]
async fn g1_before_nodes_and_pods_are_listed_answers_are_neutral() {
    let rig = Rig::silent(STRICT).await;
    assert_neutral(&rig, "neutral-not-ready").await;
    rig.tell(crate::rig::node_events()).await;
    rig.intensities(&crate::rig::USUAL).await;
    rig.tell(vec![ClusterEvent::NodesListed]).await;
    assert_neutral(&rig, "neutral-not-ready").await;
    rig.tell(vec![ClusterEvent::PodsListed]).await;
    assert_eq!(filter(&rig, &job("a", 1), &all()).await.kept(), NORTH);
}

#[tokio::test]
async fn g1_a_snapshot_older_than_a_minute_is_not_believed() {
    let rig = Rig::start(STRICT).await;
    rig.stop_writer().await;
    let taken = rig.world.snapshot().taken_at;
    rig.advance(SignedDuration::from_secs(60) - rig.now().duration_since(taken));
    assert_eq!(filter(&rig, &job("a", 1), &all()).await.kept(), NORTH);
    rig.advance(SignedDuration::from_millis(1));
    assert_neutral(&rig, "neutral-stale-snapshot").await;
}

#[tokio::test]
async fn g1_a_panic_in_a_decision_is_counted_and_answered() {
    let rig = Rig::start(STRICT).await;
    rig.broken.store(true, Ordering::Release);
    assert_neutral(&rig, "neutral-internal").await;
    rig.broken.store(false, Ordering::Release);
    assert_eq!(filter(&rig, &job("a", 1), &all()).await.kept(), NORTH);
    rig.assert_running();
}

#[tokio::test]
async fn without_any_data_every_node_is_kept_and_scores_alike() {
    let rig = Rig::silent(STRICT).await;
    let mut events = crate::rig::node_events();
    events.extend([ClusterEvent::NodesListed, ClusterEvent::PodsListed]);
    rig.tell(events).await;
    let answer = filter(&rig, &job("a", 1), &all()).await;
    assert_eq!(answer.kept(), all());
    assert!(answer.refused().is_empty());
    let scores = scores(&rig, &job("a", 1), &all()).await;
    assert!(scores.values().all(|score| *score == scores[NORTH[0]]), "{scores:?}");
    assert_eq!(rig.counted(r#"heliotrope_decisions_total{rung="none"}"#), 1);
}

/// The head of a filter request and its body.
fn whole(body: &str) -> (Vec<u8>, Vec<u8>) {
    let length = format!("content-length: {}", body.len());
    let head = request("POST", "/filter", &[&length, "connection: close"], b"");
    (head, body.as_bytes().to_vec())
}

#[tokio::test]
async fn g1_more_requests_than_allowed_are_answered_neutrally_at_once() {
    let rig = Rig::start(&format!("{STRICT}\nextender: {{maxInFlight: 1, deadline: 20s}}")).await;
    let pod = job("a", 1);
    let (head, body) = whole(&names_body(&pod, &all()));
    let mut first = TcpStream::connect(rig.extender).await.unwrap();
    first.write_all(&head).await.unwrap();
    first.write_all(&body[..10]).await.unwrap();
    // Until the server has begun to read it, there is room.
    let started = std::time::Instant::now();
    while filter(&rig, &pod, &all()).await.kept().len() < 6 {
        assert!(started.elapsed() < PATIENCE);
    }
    assert_neutral(&rig, "neutral-overloaded").await;
    first.write_all(&body[10..]).await.unwrap();
    let mut bytes = Vec::new();
    first.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(Reply::parse(&bytes).json::<ExtenderFilterResult>().kept(), NORTH);
    assert_eq!(filter(&rig, &pod, &all()).await.kept(), NORTH, "there is room again");
}

#[tokio::test]
async fn a_request_given_up_by_its_sender_makes_room() {
    let rig = Rig::start(&format!("{STRICT}\nextender: {{maxInFlight: 1, deadline: 20s}}")).await;
    let (head, _) = whole(&names_body(&job("a", 1), &all()));
    let mut given_up = TcpStream::connect(rig.extender).await.unwrap();
    given_up.write_all(&head).await.unwrap();
    let started = std::time::Instant::now();
    while filter(&rig, &job("a", 1), &all()).await.kept().len() < 6 {
        assert!(started.elapsed() < PATIENCE);
    }
    drop(given_up);
    while filter(&rig, &job("a", 1), &all()).await.kept().len() == 6 {
        assert!(
            started.elapsed() < PATIENCE,
            "the place of a request that is gone stays taken"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_refused() {
    let rig = Rig::start(&format!("{STRICT}\nextender: {{deadline: 50ms}}")).await;
    let (head, body) = whole(&names_body(&job("a", 1), &all()));
    let reply = exchange(rig.extender, &[&head, &body[..10]].concat()).await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("extender.deadline"), "{}", reply.text());
    assert_eq!(rig.answered("filter", "body-too-slow"), 1);
}

/// The whole process is held up while a body arrives: the answer would come after the deadline.
#[tokio::test]
async fn g1_an_answer_that_would_come_late_is_neutral() {
    let rig = Rig::start(&format!("{STRICT}\nextender: {{deadline: 1s}}")).await;
    let (head, body) = whole(&names_body(&job("a", 1), &all()));
    let mut stream = std::net::TcpStream::connect(rig.extender).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(&[&head, &body[..10]].concat()).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // This test has one thread: nothing of the server runs until it is given back.
    stream.write_all(&body[10..]).unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let answer: ExtenderFilterResult = Reply::parse(&read.await.unwrap()).json();
    assert_eq!(answer.kept(), all());
    assert_eq!(rig.answered("filter", "neutral-late"), 1);
}

#[tokio::test]
async fn the_largest_legal_pod_and_5000_names_are_answered() {
    let rig = Rig::start(&format!("{STRICT}\nextender: {{deadline: 20s}}")).await;
    let mut pod = job("a", 1);
    pod["metadata"]["annotations"] = json!({ "large": "x".repeat(1536 * 1024) });
    let mut names: Vec<String> = (0..4994).map(|i| format!("{i:05}-{}", "n".repeat(38))).collect();
    names.extend(all().into_iter().map(str::to_owned));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let answer = filter(&rig, &pod, &names).await;
    assert_eq!(answer.kept().len(), 4996, "nodes that nobody knows are not refused");
    assert_eq!(answer.refused().len(), 4);
    assert_eq!(scores(&rig, &pod, &names).await.len(), 5000);
    assert_eq!(rig.answered("filter", "applied"), 1);
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused_whether_its_length_is_told_or_not() {
    let rig = Rig::start(&format!("{STRICT}\nextender: {{maxBodyBytes: 2097152, deadline: 20s}}")).await;
    let mut pod = job("a", 1);
    let body = |pod: &Value| names_body(pod, &all());
    let room = 2_097_152 - body(&pod).len() - r#","annotations":{"large":""}"#.len();
    pod["metadata"]["annotations"] = json!({ "large": "x".repeat(room) });
    assert_eq!(body(&pod).len(), 2_097_152);
    assert_eq!(
        filter(&rig, &pod, &all()).await.kept(),
        NORTH,
        "the cap itself is legal"
    );
    pod["metadata"]["annotations"] = json!({ "large": "x".repeat(room + 1) });
    let over = body(&pod);
    let chunked = format!("{:x}\r\n{over}\r\n0\r\n\r\n", over.len());
    let told = format!("content-length: {}", over.len());
    for (header, sent) in [(told.as_str(), over), ("transfer-encoding: chunked", chunked)] {
        let bytes = request("POST", "/filter", &[header, "connection: close"], sent.as_bytes());
        let reply = exchange(rig.extender, &bytes).await;
        assert_eq!(reply.status, 413);
        assert!(reply.text().contains("extender.maxBodyBytes"), "{}", reply.text());
    }
    assert_eq!(rig.answered("filter", "body-too-large"), 2);
    rig.assert_running();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_get_the_same_answer() {
    let rig = Rig::start("placement: {mode: prefer}\nextender: {deadline: 20s}").await;
    let rig = std::sync::Arc::new(rig);
    let mut callers = tokio::task::JoinSet::new();
    // About one pod: another one would find a node promised that it finds asleep.
    for _ in 0..32 {
        let rig = std::sync::Arc::clone(&rig);
        callers.spawn(async move { scores(&rig, &job("p", 1), &all()).await });
    }
    let answers = callers.join_all().await;
    assert!(above(&answers[0], NORTH, WEST));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let rig = &rig;
    until("all counted", || rig.answered("prioritize", "applied") == 32).await;
}
