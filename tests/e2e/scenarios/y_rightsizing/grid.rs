//! Fewer replicas while the grid is dirty unless the service suffers, and the dirtiest first.

use super::{NOTHING, PATIENCE, Stage, left_out, queue, two_seconds};
use crate::cluster::by_region;
use crate::figures::Figures;
use crate::loopback::now;
use crate::scenarios::site::{CENTRAL, NORTH, WEST};
use crate::world::Demand;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// At most three replicas above 300 g/kWh, in the zone of the stage that is.
fn three_while_dirty() -> Value {
    json!({
        "above": { "enter": "300 g/kWh", "leave": "250 g/kWh" }, "maxReplicas": 3, "rest": "5s", "zone": CENTRAL.1,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_a_dirty_grid_lowers_the_ceiling_and_the_service_lifts_it() {
    if left_out() {
        return;
    }
    let mut figures = Figures::of("y_carbon");
    let mut stage = Stage::start(2, queue(24.0)).await;
    let mut controllers = stage.controllers().await;
    stage.rates_are_known(2).await;
    let latency = json!({ "response": two_seconds(), "stepPods": 2, "every": "10s" });
    stage
        .rightsizer(json!({ "carbon": three_while_dirty(), "latency": latency }))
        .await;
    // The queue wants six. That a replica has just started is nothing to yield to.
    stage.wait_replicas(3).await;
    stage.stays(3, 8).await;
    figures.note("replicas for six in a dirty grid", 3);
    stage.servers.demand(Demand {
        queue: 24.0,
        finished: 20.0,
        seconds: 4.0,
    });
    stage.wait_replicas(6).await;
    figures.note("replicas once the service suffers", 6);
    stage.assert_running(&mut [&mut controllers]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_replicas_are_warm_before_the_grid_turns_clean() {
    const LEAD: SignedDuration = SignedDuration::from_secs(20);
    if left_out() {
        return;
    }
    let mut figures = Figures::of("y_prewarm");
    let calm = Demand {
        queue: 24.0,
        finished: 20.0,
        seconds: 0.4,
    };
    let mut stage = Stage::start(3, calm).await;
    let turns = now() + SignedDuration::from_secs(80);
    let [.., central] = &stage.files;
    central.turn(400.0, turns, 100.0);
    let mut controllers = stage.controllers().await;
    let rules = json!({
        "carbon": three_while_dirty(), "latency": { "response": two_seconds(), "stepPods": 2 }, "prewarm": { "lead": "20s" },
    });
    stage.rates_are_known(3).await;
    stage.rightsizer(rules).await;
    // The queue wants six.
    stage.stays(3, 5).await;
    assert!(now() < turns - LEAD, "the machine is too slow for this scenario");
    stage.wait_replicas(6).await;
    let ahead = turns.duration_since(now());
    figures.note("s before the grid turns clean that replicas start", ahead.as_secs_f64());
    assert!(ahead > SignedDuration::ZERO && ahead <= LEAD, "{ahead:?} before");
    stage.assert_running(&mut [&mut controllers]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_the_dirtiest_replicas_go_first_and_no_zone_is_emptied() {
    if left_out() {
        return;
    }
    let mut figures = Figures::of("y_dirtiest");
    let mut stage = Stage::start(9, queue(36.0)).await;
    let before = by_region(&stage.cluster.placed(&stage.work).await);
    println!("{before:?}");
    let mut controllers = stage.controllers().await;
    stage
        .rightsizer(json!({ "minReplicas": 4, "deletionCost": { "minPerZone": 1 } }))
        .await;
    stage.wait_condition("ScalingActive", "True", "ValidMetricFound").await;
    stage.stays(9, 3).await;
    stage.servers.demand(NOTHING);
    stage.wait_replicas(4).await;
    let after = crate::scenarios::shipped::within(PATIENCE, "five replicas go", async || {
        let placed = stage.cluster.placed(&stage.work).await;
        (placed.len() == 4).then(|| by_region(&placed))
    })
    .await;
    // From the dirtiest region down, each to its last.
    let mut wanted = before.clone();
    let mut surplus = 5;
    for region in [CENTRAL, WEST, NORTH].map(|(region, ..)| region) {
        let here = wanted.get_mut(region).unwrap();
        let go = surplus.min(here.saturating_sub(1));
        *here -= go;
        surplus -= go;
    }
    assert_eq!(after, wanted, "of {before:?}");
    figures.note("replicas by region after", format!("{after:?}"));
    stage.assert_running(&mut [&mut controllers]);
}
