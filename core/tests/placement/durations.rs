//! For how long a pod's place matters: what it says, what its like did, what it leaves behind.

use crate::world::{MODELS, NodeSpec, World, ZoneSpec, about, all, node_name, now, pod, policy};
use heliotrope_core::placement::{Policy, Throughput, common_rung, expect};
use heliotrope_core::quantity::Rung;
use heliotrope_core::snapshot::{ClusterEvent, Snapshot, SnapshotBuilder, StorageClass, VolumeClaim, VolumeEvent};
use heliotrope_core::workload::{
    Annotations, DurationSource, Horizon, Namespaces, OwnerKind, PodFacts, PodPhase, Ran, Workload, WorkloadRules,
};
use jiff::SignedDuration;
use std::sync::Arc;

/// One node of each model, all in one zone.
fn world() -> World {
    World {
        zones: vec![ZoneSpec::flat(100.0)],
        nodes: (0..MODELS.len())
            .map(|model| NodeSpec::in_zone(0).of_model(model))
            .collect(),
        pending: Vec::new(),
    }
}

fn snapshot(more: impl IntoIterator<Item = ClusterEvent>) -> Snapshot {
    let world = world();
    let mut builder = SnapshotBuilder::new(world.surroundings());
    for report in world.reports() {
        builder.apply_carbon(report, now()).unwrap();
    }
    for event in world.events().into_iter().chain(more) {
        builder.apply_cluster(event, now());
    }
    builder.build(now())
}

/// Three pods of the job that ran for so many minutes on the node of a model.
fn runs(model: usize, minutes: [i64; 3]) -> Vec<ClusterEvent> {
    let ended = |(number, took): (usize, i64)| {
        let mut pod = pod(&format!("ended-{number}"), 1, Some(&node_name(model)));
        pod.phase = PodPhase::Finished;
        pod.ran = Some(Ran {
            ended_at: now(),
            took: SignedDuration::from_mins(took),
        });
        ClusterEvent::Pod(Box::new(pod))
    };
    minutes.into_iter().enumerate().map(ended).collect()
}

fn settled(pod: &PodFacts, snapshot: &Snapshot, policy: &Policy) -> Workload {
    let rules = WorkloadRules {
        max_duration: SignedDuration::from_hours(10),
        ..WorkloadRules::default()
    };
    let namespaces = Namespaces {
        default: rules.clone(),
        ..Namespaces::default()
    };
    let mut workload = Workload::parse(pod, &namespaces).unwrap();
    expect(&mut workload, pod, &rules, snapshot, policy);
    workload
}

fn annotated(key: &str, value: &str) -> PodFacts {
    PodFacts {
        annotations: Annotations::keep([(key, value)].into_iter()),
        ..pod("next", 1, None)
    }
}

const LARGE: usize = 2;
const MIDDLE: usize = 1;

#[test]
fn a_job_takes_as_long_as_its_owner_s_last_runs_in_the_middle() {
    let known = snapshot(runs(LARGE, [30, 120, 45]));
    let next = settled(&pod("next", 1, None), &known, &policy()).duration;
    assert_eq!(
        (next.span.as_mins(), next.source),
        (45, DurationSource::History { runs: 3 })
    );
    let nothing = settled(&pod("next", 1, None), &snapshot([]), &policy()).duration;
    assert_eq!(
        (nothing.span, nothing.source),
        (SignedDuration::from_hours(1), DurationSource::Default)
    );
}

#[test]
fn what_the_pod_says_comes_before_what_its_like_did() {
    let known = snapshot(runs(LARGE, [30, 120, 45]));
    let said = settled(&annotated("heliotrope.dev/duration", "3h"), &known, &policy()).duration;
    assert_eq!((said.span.as_hours(), said.source), (3, DurationSource::Annotation));
    let nonsense = settled(&annotated("heliotrope.dev/duration", "soon"), &known, &policy()).duration;
    assert_eq!(nonsense.source, DurationSource::History { runs: 3 });
}

#[test]
fn history_stays_within_what_the_administrator_allows_and_services_have_none() {
    let known = snapshot(runs(LARGE, [6000; 3]));
    assert_eq!(
        settled(&pod("next", 1, None), &known, &policy())
            .duration
            .span
            .as_hours(),
        10
    );
    let mut service = pod("next", 1, None);
    service.owner.kind = OwnerKind::Service;
    let duration = settled(&service, &known, &policy()).duration;
    assert_eq!(
        (duration.source, duration.horizon),
        (DurationSource::Default, Horizon::Service)
    );
}

/// What ran for an hour on a third of the throughput is twenty minutes on the reference model; and on its own model it is
/// expected to take the hour again.
#[test]
fn runs_are_told_on_the_reference_model() {
    let known = snapshot(runs(MIDDLE, [60; 3]));
    let rated = Policy {
        throughput: Throughput::Rated,
        ..policy()
    };
    let next = settled(&pod("next", 1, None), &known, &rated);
    assert_eq!(next.duration.span.as_mins(), 20);
    let question = about(&known, &next, &rated);
    let costs = heliotrope_core::placement::weigh(&question, Some(Rung::Live), &all(&known));
    assert!((costs[MIDDLE].unwrap().seconds - 3600.0).abs() < 1e-6);
    // A model without a throughput does not compare.
    let odd = snapshot(runs(3, [60; 3]));
    assert_eq!(
        settled(&pod("next", 1, None), &odd, &rated).duration.source,
        DurationSource::Default
    );
}

fn volume() -> [ClusterEvent; 2] {
    let claim = VolumeClaim {
        namespace: Arc::from("ml"),
        name: Arc::from("data"),
        class: Some(Arc::from("local")),
        bound: false,
    };
    let class = StorageClass {
        name: Arc::from("local"),
        waits: true,
        default: false,
    };
    [VolumeEvent::Claim(claim), VolumeEvent::Class(class)].map(ClusterEvent::Volume)
}

#[test]
fn a_volume_yet_to_be_made_is_judged_over_a_year_whatever_the_pod_says() {
    let known = snapshot(volume().into_iter().chain(runs(LARGE, [30; 3])));
    let mut mounting = annotated("heliotrope.dev/duration", "3h");
    mounting.volume_claims = vec![Arc::from("data")];
    let workload = settled(&mounting, &known, &policy());
    let duration = workload.duration;
    assert_eq!(
        (duration.source, duration.horizon),
        (DurationSource::Volume, Horizon::Volume)
    );
    assert_eq!(duration.span, SignedDuration::from_hours(24 * 365));
    let (year, policy) = (Some(Rung::Static), policy());
    let question = about(&known, &workload, &policy);
    assert_eq!(common_rung(&question, &all(&known)), year, "the year before the day");
}

/// One sunny hour does not place a Deployment: the zone that is greener over the usual day gets it, and a job of an hour
/// the one that is greener now.
#[test]
fn services_are_judged_by_the_usual_day() {
    let world = World {
        zones: vec![
            ZoneSpec {
                live: Some(50.0),
                usual: Some([400.0, 600.0]),
                ..ZoneSpec::flat(500.0)
            },
            ZoneSpec {
                live: Some(300.0),
                usual: Some([200.0, 300.0]),
                ..ZoneSpec::flat(250.0)
            },
        ],
        nodes: vec![NodeSpec::in_zone(0).awake(), NodeSpec::in_zone(1).awake()],
        pending: Vec::new(),
    };
    let snapshot = world.snapshot();
    let mut pod = pod("next", 1, None);
    for (kind, greener) in [(OwnerKind::Job, 0), (OwnerKind::Service, 1)] {
        pod.owner.kind = kind;
        let workload = settled(&pod, &snapshot, &policy());
        let decision = crate::world::decided(&world, &workload, &policy());
        let best = decision
            .scores
            .iter()
            .enumerate()
            .max_by_key(|(_, score)| **score)
            .unwrap()
            .0;
        assert_eq!(best, greener, "{kind:?}: {:?}", decision.scores);
    }
}
