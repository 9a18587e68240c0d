//! Of several processes one acts, against an API server that keeps versions.

use super::api_server::{FakeApiServer, Fault};
use crate::rig::until;
use heliotrope::controllers::lease::{Election, LeaseTimes, Term};
use heliotrope::telemetry::{Metrics, system_clock};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/here/leases/one";
const TIMES: LeaseTimes = LeaseTimes {
    duration: Duration::from_secs(2),
    renew_deadline: Duration::from_secs(1),
    retry: Duration::from_millis(100),
};

/// A process that runs for office.
struct Candidate {
    /// Its terms, the last one last.
    terms: Arc<Mutex<Vec<Term>>>,
    stop: CancellationToken,
    task: AbortHandle,
}

impl Candidate {
    fn start(server: &FakeApiServer, name: &str, tasks: &mut JoinSet<()>) -> Self {
        let (terms, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let clocked = (system_clock(), Metrics::new());
        let election = Election::new(server.client(), ("here", "one"), name, TIMES, clocked);
        let (told, stopped) = (Arc::clone(&terms), stop.clone());
        let work = move |term: Term| {
            told.lock().unwrap().push(term.clone());
            async move { term.over().await }
        };
        let task = tasks.spawn(election.run(work, stopped));
        Self { terms, stop, task }
    }

    fn holds(&self) -> bool {
        self.terms.lock().unwrap().last().is_some_and(Term::holds)
    }
}

fn holder(server: &FakeApiServer) -> String {
    let lease = server.get(PATH).unwrap_or_default();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn one_leads_a_killed_one_is_replaced_and_one_that_stops_gives_way_at_once() {
    let (server, mut tasks) = (FakeApiServer::start().await, JoinSet::new());
    let first = Candidate::start(&server, "first", &mut tasks);
    until("the first leads", || first.holds()).await;
    let second = Candidate::start(&server, "second", &mut tasks);
    let renewed = || server.writes("/leases/one").len();
    until("some renewals", || renewed() > 5).await;
    assert!(first.holds() && !second.holds());
    // As kill -9: nothing is given back.
    first.task.abort();
    until("the second leads", || second.holds()).await;
    assert!(holder(&server).starts_with("second_"));
    assert_eq!(server.get(PATH).unwrap()["spec"]["leaseTransitions"], 1);
    let third = Candidate::start(&server, "third", &mut tasks);
    second.stop.cancel();
    until("the third leads", || third.holds()).await;
    assert!(!second.holds());
    third.stop.cancel();
    until("it is given back", || holder(&server).is_empty()).await;
}

#[tokio::test]
async fn a_leader_that_cannot_renew_stops_before_another_may_take_over() {
    let (server, mut tasks) = (FakeApiServer::start().await, JoinSet::new());
    let first = Candidate::start(&server, "first", &mut tasks);
    until("the first leads", || first.holds()).await;
    server.fault("PUT", "/leases/one", Fault::Refused(500));
    until("it has stopped", || !first.holds()).await;
    let term = first.terms.lock().unwrap().last().cloned().unwrap();
    let told = tokio::time::timeout(TIMES.duration, term.over()).await;
    assert!(told.is_ok(), "what it was doing is told to stop");
    assert!(holder(&server).starts_with("first_"), "nobody else could have it yet");
    server.mend();
    let second = Candidate::start(&server, "second", &mut tasks);
    until("somebody leads", || first.holds() || second.holds()).await;
    assert!(!(first.holds() && second.holds()));
    // It runs again; whose lease it is, is a matter of who was first.
    assert_ne!(holder(&server), "");
}

#[tokio::test]
async fn a_leader_whose_lease_was_taken_stops() {
    let (server, mut tasks) = (FakeApiServer::start().await, JoinSet::new());
    let first = Candidate::start(&server, "first", &mut tasks);
    until("the first leads", || first.holds()).await;
    let mut lease = server.get(PATH).unwrap();
    lease["spec"]["holderIdentity"] = "somebody".into();
    server.put(PATH, lease);
    until("it has stopped", || !first.holds()).await;
    assert_eq!(holder(&server), "somebody", "it is not written over");
}

#[tokio::test]
async fn of_two_that_try_at_the_same_time_one_leads() {
    let (server, mut tasks) = (FakeApiServer::start().await, JoinSet::new());
    let all: Vec<Candidate> = (0..4)
        .map(|n| Candidate::start(&server, &format!("c{n}"), &mut tasks))
        .collect();
    until("one leads", || all.iter().any(Candidate::holds)).await;
    until("some tries", || server.writes("/leases/one").len() > 3).await;
    assert_eq!(all.iter().filter(|one| one.holds()).count(), 1);
}
