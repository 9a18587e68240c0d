//! Nodes in racks with caps, told to the snapshot room as edges tell it.

use crate::world::{MODELS, World, about, node_name, now, workload};
use heliotrope_core::gpu::GpuResource;
use heliotrope_core::placement::{
    Bookings, Candidate, Policy, Promise, Question, Verdict, common_rung, filter, weigh,
};
use heliotrope_core::quantity::{Source, Watts};
use heliotrope_core::snapshot::{
    BoardPower, ClusterEvent, DomainRule, NodePower, PowerReport, Snapshot, SnapshotBuilder, Surroundings,
};
use heliotrope_core::workload::{GpuAsk, Mode, PodFacts, Workload};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The label of the racks.
pub(crate) const RACK: &str = "example.com/rack";

pub(crate) fn watts(value: f64) -> Watts {
    Watts::new(value).unwrap()
}

/// Racks by the label, each with the same cap.
pub(crate) fn racks(cap: f64) -> DomainRule {
    DomainRule {
        name: Arc::from("rack"),
        label: Some(Arc::from(RACK)),
        gpu_watts: Some(watts(cap)),
        values: BTreeMap::new(),
        shares: Vec::new(),
    }
}

/// Every node for itself.
pub(crate) fn nodes(cap: f64) -> DomainRule {
    DomainRule {
        name: Arc::from("node"),
        label: None,
        ..racks(cap)
    }
}

/// A world whose nodes stand in racks, by turns.
#[derive(Debug, Clone)]
pub(crate) struct Floor {
    pub(crate) world: World,
    pub(crate) racks: usize,
    pub(crate) rules: Vec<DomainRule>,
}

impl Floor {
    pub(crate) fn rack(&self, node: usize) -> usize {
        node % self.racks
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings {
            domains: self.rules.clone(),
            ..self.world.surroundings()
        }
    }

    /// A builder that was told all of it.
    pub(crate) fn builder(&self) -> SnapshotBuilder {
        let mut builder = SnapshotBuilder::new(self.surroundings());
        for report in self.world.reports() {
            builder.apply_carbon(report, now()).unwrap();
        }
        let mut place = 0;
        for event in self.world.events() {
            let event = match event {
                ClusterEvent::Node(mut facts) => {
                    let rack = format!("r{}", self.rack(place));
                    facts.domain_labels = vec![(Arc::from(RACK), Arc::from(rack))];
                    place += 1;
                    ClusterEvent::Node(facts)
                }
                other => other,
            };
            builder.apply_cluster(event, now());
        }
        builder
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.builder().build(now())
    }

    /// The most that boards of a node draw beyond idle.
    pub(crate) fn rise(&self, node: usize) -> f64 {
        let (_, bare, _, max, _) = MODELS[self.world.nodes[node].model.unwrap()];
        max - bare
    }
}

/// One sample of a node, the same on each board.
pub(crate) fn sample(node: usize, boards: u32, total: f64, at: Timestamp) -> PowerReport {
    let board = |board: u32| BoardPower {
        uuid: Arc::from(format!("GPU-{node}-{board}")),
        watts: watts(total / f64::from(boards)),
        observed_at: at,
        model: None,
        pods: Vec::new(),
        utilisation: None,
    };
    PowerReport {
        source: Source::new("test"),
        nodes: vec![NodePower {
            host: None,
            node: Arc::from(node_name(node)),
            boards: (0..boards).map(board).collect(),
        }],
    }
}

/// A pod that runs since a time.
pub(crate) fn running(uid: &str, gpus: u32, node: usize, since: Option<Timestamp>) -> PodFacts {
    PodFacts {
        started_at: since,
        ..crate::world::pod(uid, gpus, Some(&node_name(node)))
    }
}

/// Whole boards, steered by `prefer`.
pub(crate) fn asking(gpus: u32) -> Workload {
    let resource = GpuResource::NVIDIA;
    Workload {
        gpus: GpuAsk { resource, units: gpus },
        ..workload(Mode::Prefer)
    }
}

/// One question of a pod.
pub(crate) fn asked<'a>(
    (uid, at): (&'a str, Timestamp),
    snapshot: &'a Snapshot,
    workload: &'a Workload,
    policy: &'a Policy,
    bookings: &'a Bookings,
) -> Question<'a> {
    Question {
        uid,
        bookings,
        now: at,
        ..about(snapshot, workload, policy)
    }
}

/// Filter alone.
pub(crate) fn filtered(question: &Question<'_>, candidates: &[Candidate<'_>]) -> Verdict {
    let rung = common_rung(question, candidates);
    let costs = weigh(question, rung, candidates);
    filter(question, rung, candidates, &costs)
}

/// The promise of a filter answer.
pub(crate) fn promised(question: &Question<'_>, candidates: &[Candidate<'_>], kept: &[bool]) -> Promise {
    Promise::new(
        question,
        candidates,
        |place| kept[place],
        (&Arc::from(question.uid), false),
    )
}
