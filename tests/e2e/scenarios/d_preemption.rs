//! A pod of high priority that filter refuses everywhere evicts nobody.
//!
//! First the trap, with a scripted extender: dry-run preemption runs in-tree filters only, so full nodes, which never reached
//! the extender, are emptied one after another for a pod that is then refused. `/preempt` is what closes it.

use crate::cluster::{Cluster, Images, NodeSpec, Work, fleet};
use crate::controlplane::{ControlPlane, SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings, Preempt, RecordingProxy, Refusal, RefusingExtender};
use crate::figures::Figures;
use std::time::Duration;

/// Nodes full with pods of low priority.
pub(super) const FULL: usize = 6;

/// As long as the trap took to empty all of them when it was first seen.
const LONG_ENOUGH: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_preemption_trap_with_a_scripted_extender() {
    let mut figures = Figures::of("d_preemption_trap");
    let mut plane = ControlPlane::start().await;
    let cluster = Cluster::new(plane.client().await);
    let nodes = prepare(&cluster).await;

    let cases = [
        ("refused, no preempt verb", Refusal::Unresolvable, None),
        (
            "refused as FailedNodes, candidates echoed",
            Refusal::Failed,
            Some(Preempt::Echo),
        ),
        (
            "refused, candidates dropped",
            Refusal::Unresolvable,
            Some(Preempt::DropAll),
        ),
        (
            "refused as FailedNodes, candidates dropped",
            Refusal::Failed,
            Some(Preempt::DropAll),
        ),
    ];
    for (case, refusal, preempt) in cases {
        let victims = fill(&cluster, &nodes).await;
        let script = RefusingExtender::start(refusal, preempt.unwrap_or(Preempt::Echo), "urgent").await;
        let proxy = RecordingProxy::start(&script.url(), 0).await;
        let mut config = SchedulerConfig::shipped().with_extender(&proxy.url());
        if preempt.is_none() {
            config = config.without_preempt();
        }
        let urgent = Work::new("urgent", 8).priority("urgent");
        let evicted = evictions(&cluster, &plane, Which::Current, &config, &victims, &urgent).await;
        figures.note(&format!("{case}: pods evicted of {FULL}"), evicted);
        figures.note(&format!("{case}: filter calls"), proxy.calls("filter").count);
        figures.note(&format!("{case}: preempt calls"), proxy.calls("preempt").count);
        assert!(script.refusals() > 0, "{case}: the scripted extender was not asked");
        if preempt == Some(Preempt::DropAll) {
            assert_eq!(evicted, 0, "{case}");
        } else {
            // Evidence of the trap: if a scheduler no longer falls into it, the documentation should say so.
            assert!(
                evicted > 0,
                "{case}: nobody was evicted; the trap is gone and what is written about it out of date"
            );
        }
    }
    plane.assert_running();
}

/// 120 nodes, and the priorities; gives the nodes that are to be full.
pub(super) async fn prepare(cluster: &Cluster) -> Vec<NodeSpec> {
    let nodes = fleet(120, Images::Nowhere);
    cluster.create_nodes(&nodes).await;
    cluster.create_priority("urgent", 1000).await;
    cluster.create_priority("batch", 10).await;
    nodes.into_iter().filter(|node| node.boards == 8).take(FULL).collect()
}

/// Puts a pod of low priority on all boards of the nodes.
pub(super) async fn fill(cluster: &Cluster, nodes: &[NodeSpec]) -> Work {
    let victims = Work::new("batch", 8).priority("batch");
    cluster.delete_work(&victims).await;
    for (i, node) in nodes.iter().enumerate() {
        cluster
            .create_named(&victims.clone().on(&node.name), &format!("batch-{i}"))
            .await;
    }
    victims
}

/// Lets an urgent pod of eight GPUs come, waits, and counts the victims that are gone.
pub(super) async fn evictions(
    cluster: &Cluster,
    plane: &ControlPlane,
    which: Which,
    config: &SchedulerConfig,
    victims: &Work,
    urgent: &Work,
) -> usize {
    let before = cluster.placed(victims).await.len();
    assert_eq!(before, FULL, "the nodes are full at the beginning");
    let scheduler = plane.scheduler(which, config);
    cluster.create_pod(urgent).await;
    cluster.wait_refused(&urgent.name, Duration::from_secs(30)).await;
    tokio::time::sleep(LONG_ENOUGH).await;
    let left = cluster.placed(victims).await.len();
    assert!(
        cluster.placed(urgent).await.is_empty(),
        "the urgent pod is refused everywhere, yet it has a node"
    );
    scheduler.stop().await;
    cluster.delete_work(urgent).await;
    before - left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_a_refused_pod_of_high_priority_evicts_nobody() {
    nobody_is_evicted("d_preemption", Which::Current).await;
}

/// The same with Heliotrope, which refuses the pod everywhere because no node is in a zone that the pod allows.
pub(super) async fn nobody_is_evicted(name: &'static str, which: Which) {
    let mut figures = Figures::of(name);
    let mut plane = ControlPlane::start().await;
    figures.note("kube-scheduler", plane.binaries().version(which));
    let cluster = Cluster::new(plane.client().await);
    let nodes = prepare(&cluster).await;
    let heliotrope = Heliotrope::start(&plane, &HeliotropeSettings::new()).await;
    for (case, with_preempt) in [("as shipped", true), ("without the preempt verb", false)] {
        let victims = fill(&cluster, &nodes).await;
        let proxy = RecordingProxy::start(&heliotrope.url(), 2).await;
        let mut config = SchedulerConfig::shipped().with_extender(&proxy.url());
        if !with_preempt {
            config = config.without_preempt();
        }
        let urgent = Work::new("urgent", 8)
            .priority("urgent")
            .annotated("heliotrope.dev/zones", "FR");
        let evicted = evictions(&cluster, &plane, which, &config, &victims, &urgent).await;
        figures.note(&format!("{case}: pods evicted of {FULL}"), evicted);
        figures.note(&format!("{case}: filter calls"), proxy.calls("filter").count);
        figures.note(&format!("{case}: preempt calls"), proxy.calls("preempt").count);
        assert!(proxy.calls("filter").count > 0, "{case}: filter was not called");
        if with_preempt {
            assert!(proxy.calls("preempt").count > 0, "{case}: preempt was not called");
            assert_eq!(evicted, 0, "{case}");
            proxy.save(name);
        }
    }
    plane.assert_running();
}
