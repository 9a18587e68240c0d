//! A leader that is killed with a write in flight: whoever has the lease next comes to the same number, once.

use super::{NOTHING, PATIENCE, Stage, left_out, queue, two_seconds};
use crate::controlplane::{ApiProxy, Asked, Hold};
use crate::extender::Heliotrope;
use crate::figures::Figures;
use crate::scenarios::shipped::{NAMESPACE, within};
use crate::world::Demand;
use heliotrope::crds::RightsizerStatus;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long the plan looks back before it takes replicas away.
const WINDOW: u64 = 30;
/// A period that reaches back over all of the scenario: what a rate has allowed once it does not allow again.
const PERIOD: u64 = 1800;
/// Long enough for several looks.
const LOOKS: u64 = 4;

/// A service whose P99 is beyond its limit though nothing waits.
const SLOW: Demand = Demand {
    queue: 0.0,
    finished: 20.0,
    seconds: 4.0,
};

/// Two processes, one of which leads.
struct Pair<'s> {
    stage: &'s Stage,
    proxy: &'s ApiProxy,
    processes: [Heliotrope; 2],
    leads: usize,
    figures: &'s mut Figures,
}

/// A step of two in latency, and so many replicas more at once by the rate.
fn rules(more: u64) -> Value {
    let policy = |value: u64| json!({ "type": "Pods", "value": value, "periodSeconds": PERIOD });
    json!({
        "latency": { "response": two_seconds(), "stepPods": 2, "every": "20m" },
        "behavior": {
            "scaleUp": { "policies": [policy(more)] },
            "scaleDown": { "policies": [policy(1)], "stabilizationWindowSeconds": WINDOW },
        },
    })
}

/// From how many to how many, where a change is begun and not confirmed.
fn begun(status: &RightsizerStatus) -> Option<(i32, i32)> {
    status.scaling.map(|scaling| (scaling.from, scaling.to))
}

/// The changes that a rate still counts.
fn changes(status: &RightsizerStatus) -> Vec<i32> {
    let memory = status.memory.iter().flat_map(|memory| &memory.events);
    memory.map(|event| event.change).collect()
}

impl Pair<'_> {
    /// Kills whoever leads, as kill -9 does; another process starts in its place and waits with the one that waited already.
    async fn kill(&mut self) {
        self.leads().await;
        self.processes[self.leads].crash(&self.stage.plane);
        self.processes[self.leads].wait_ready(PATIENCE).await;
    }

    /// Waits until one of them has the lease, and notes which.
    async fn leads(&mut self) {
        self.leads = within(PATIENCE, "a leader", async || {
            for (one, process) in self.processes.iter().enumerate() {
                if process.metrics().await.get("heliotrope_lease_leader", &[]) == Some(1.0) {
                    return Some(one);
                }
            }
            None
        })
        .await;
    }

    /// Nothing is open any more, and these are the changes up that there were, each of which was written once, as were those down.
    async fn settled(&self, replicas: i32, ups: &[i32]) {
        let status = within(PATIENCE, "a change settled", async || {
            let status = self.stage.status().await;
            begun(&status).is_none().then_some(status)
        })
        .await;
        assert_eq!(status.current_replicas, Some(replicas));
        self.stage.stays(replicas, LOOKS).await;
        let counted = changes(&self.stage.status().await);
        let (up, down): (Vec<i32>, Vec<i32>) = counted.iter().partition(|change| **change > 0);
        assert_eq!(up, ups);
        assert_eq!(up.iter().chain(&down).sum::<i32>(), replicas - 4, "of four at first");
        let taken = self.proxy.taken(Asked::is_scale).len();
        assert_eq!(taken, counted.len(), "each change is written once");
    }

    /// Three die over one and the same step: before it is written down, before it is made, and before it is known to be made.
    async fn a_step_is_made_once(&mut self) {
        let (stage, proxy) = (self.stage, self.proxy);
        proxy.hold(Hold::BeforeItArrives, Asked::begins_a_change);
        stage.rightsizer(rules(2)).await;
        proxy.held(PATIENCE).await;
        let status = stage.status().await;
        assert_eq!((stage.replicas().await, begun(&status)), (4, None));

        proxy.hold(Hold::BeforeItArrives, Asked::is_scale);
        self.leads().await;
        let killed = Instant::now();
        self.kill().await;
        let lost = proxy.held(PATIENCE).await;
        self.figures.note(
            "s from the kill of a leader to the next change",
            killed.elapsed().as_secs_f64(),
        );
        let status = stage.status().await;
        assert_eq!((stage.replicas().await, begun(&status)), (4, Some((4, 6))));
        assert_eq!(changes(&status), [2]);

        // Neither the rate nor the rest between two steps may count what was never made.
        proxy.hold(Hold::BeforeItsAnswer, Asked::is_scale);
        self.kill().await;
        proxy.held(PATIENCE).await;
        let status = stage.status().await;
        assert_eq!((stage.replicas().await, begun(&status)), (6, Some((4, 6))));
        assert_eq!(changes(&status), [2]);

        // The service is as slow as before: whoever forgot the step makes another.
        self.kill().await;
        self.leads().await;
        self.settled(6, &[2]).await;
        // What the second wrote arrives after all, about a version that is gone.
        assert_eq!(proxy.deliver(&lost).await, 409);
    }

    /// Of eight that the metrics ask for and the rate allows four, all in all: who forgot those that were made starts more.
    async fn a_rate_is_used_once(&mut self) {
        let (stage, proxy) = (self.stage, self.proxy);
        stage.servers.demand(queue(48.0));
        stage.stays(6, LOOKS).await;
        proxy.hold(Hold::BeforeItsAnswer, Asked::is_scale);
        stage.rightsizer(rules(4)).await;
        proxy.held(PATIENCE).await;
        assert_eq!(
            (stage.replicas().await, begun(&stage.status().await)),
            (8, Some((6, 8)))
        );
        self.kill().await;
        self.leads().await;
        self.settled(8, &[2, 2]).await;
    }

    /// A leader is killed in the middle of the window, which ends when it would have. The rate then counts as the autoscaler's does:
    /// one fewer than there were when its period began, which is before the four came. Who forgot those takes one of the eight.
    async fn a_window_goes_on(&mut self) {
        let stage = self.stage;
        stage.cluster.wait_placed(&stage.work, 8, PATIENCE).await;
        stage.stays(8, LOOKS).await;
        stage.servers.demand(NOTHING);
        let from = Instant::now();
        stage.stays(8, WINDOW / 3).await;
        self.kill().await;
        stage.wait_replicas(3).await;
        let took = from.elapsed();
        self.figures.note(
            "s from the last request until replicas go, over a killed leader",
            took.as_secs_f64(),
        );
        let window = Duration::from_secs(WINDOW);
        assert!(took >= window && took < window + window / 3, "after {took:?}");
        // In one change or in two: while the replicas are scraped one after another a part of the queue is still there.
        self.settled(3, &[2, 2]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_a_leader_killed_with_a_write_in_flight_is_followed_by_one_that_goes_on() {
    if left_out() {
        return;
    }
    let mut figures = Figures::of("y_killed");
    let mut stage = Stage::start(4, SLOW).await;
    let proxy = ApiProxy::start(&stage.identity).await;
    let lease = json!({ "namespace": NAMESPACE, "duration": "4s", "renewDeadline": "3s", "retry": "500ms" });
    let settings = stage.settings.clone().kubeconfig(&proxy.kubeconfig(&stage.plane));
    stage.settings = settings.rightsizer("lease", lease);
    let mut pair = Pair {
        stage: &stage,
        proxy: &proxy,
        processes: [stage.controllers().await, stage.controllers().await],
        leads: 0,
        figures: &mut figures,
    };
    pair.leads().await;
    pair.a_step_is_made_once().await;
    pair.a_rate_is_used_once().await;
    pair.a_window_goes_on().await;
    let [mut one, mut other] = pair.processes;
    stage.assert_running(&mut [&mut one, &mut other]);
}
