//! What is kept over a restart, and run times and volumes as the watches tell them.

use super::*;
use crate::quantity::Rung;
use crate::workload::Ran;
use proptest::prelude::*;

/// A pod of the Job that ended well after so many minutes.
fn ended(uid: &str, job: &str, at: i64, took: i64) -> PodFacts {
    let mut pod = pod(uid, Some("n"));
    pod.owner.name = Arc::from(job);
    pod.phase = PodPhase::Finished;
    pod.ran = Some(Ran {
        ended_at: minute(at),
        took: minutes(took),
    });
    pod
}

fn nodes() -> SnapshotBuilder {
    let mut builder = builder();
    let events = [
        ClusterEvent::Node(facts("n")),
        ClusterEvent::NodesListed,
        ClusterEvent::PodsListed,
    ];
    observe(&mut builder, second(0), events);
    builder
}

/// The median of a job's runs in minutes, and of how many.
fn usual(builder: &mut SnapshotBuilder, job: &str) -> Option<(i64, u32)> {
    let owner = OwnerKey::of(&ended("x", job, 0, 1))?;
    let known = builder.build(second(0)).learned.run_time(&owner, |_| Some(1.0));
    known.map(|(span, runs)| (span.as_mins(), runs))
}

/// A builder after a restart: what one keeps, another takes back.
fn restarted(before: &SnapshotBuilder, now: Timestamp) -> SnapshotBuilder {
    let text = serde_json::to_string(&before.record(now)).unwrap();
    let mut after = builder();
    after.restore(serde_json::from_str(&text).unwrap(), now);
    after
}

#[test]
fn the_median_of_runs_counts_once_there_are_three() {
    let mut builder = nodes();
    for (uid, took) in [("a", 10), ("b", 90)] {
        observe(
            &mut builder,
            second(0),
            [is_pod(ended(uid, "nightly-29402160", 0, took))],
        );
    }
    assert_eq!(usual(&mut builder, "nightly-29403600"), None);
    // The same pod again, as every list tells of it.
    observe(&mut builder, second(0), [is_pod(ended("b", "nightly-29402160", 0, 90))]);
    assert_eq!(usual(&mut builder, "nightly-29403600"), None);
    observe(&mut builder, second(0), [is_pod(ended("c", "nightly-29405040", 5, 20))]);
    assert_eq!(usual(&mut builder, "nightly-29403600"), Some((20, 3)));
    assert_eq!(usual(&mut builder, "hourly-29403600"), None, "another owner");
}

#[test]
fn only_gpu_jobs_that_ended_well_on_a_known_model_teach() {
    let unlike: [fn(&mut PodFacts); 5] = [
        |pod| pod.ran = None,
        |pod| pod.gpus = None,
        |pod| pod.node = None,
        |pod| pod.node = Some(Arc::from("unknown")),
        |pod| pod.owner.kind = OwnerKind::Service,
    ];
    for (unlike, number) in unlike.iter().zip(0..) {
        let mut builder = nodes();
        for uid in ["a", "b", "c"] {
            let mut pod = ended(uid, "job", 0, 10);
            unlike(&mut pod);
            observe(&mut builder, second(0), [is_pod(pod)]);
        }
        assert_eq!(builder.build(second(0)).learned.runners(), 0, "{number}");
    }
}

#[test]
fn pods_that_are_told_of_before_the_nodes_teach_once_those_are() {
    let mut builder = builder();
    let pods = ["a", "b", "c"].map(|uid| is_pod(ended(uid, "job", 0, 10)));
    observe(&mut builder, second(0), pods);
    assert_eq!(usual(&mut builder, "job"), None);
    let listed = [ClusterEvent::Node(facts("n")), ClusterEvent::NodesListed];
    observe(&mut builder, second(0), listed);
    assert_eq!(usual(&mut builder, "job"), Some((10, 3)));
}

#[test]
fn a_restart_forgets_neither_the_usual_day_nor_what_was_learned() {
    let mut before = nodes();
    let history = (-96..0).map(|half| point(30 * half, 300.0)).collect();
    before
        .apply_carbon(CarbonReport { history, ..report() }, minute(0))
        .unwrap();
    for (uid, took) in [("a", 10), ("b", 90), ("c", 20)] {
        observe(&mut before, second(0), [is_pod(ended(uid, "job", 0, took))]);
    }
    for at in 60..63 {
        let mut told = learned::sample(at, 12.0, None, &[]);
        told.nodes[0].boards.truncate(1);
        before.apply_power(told);
    }
    let mut after = restarted(&before, minute(1));
    // Power may be told of before the nodes are listed.
    after.apply_power(learned::sample(61, 12.0, None, &[]));
    observe(
        &mut after,
        minute(1),
        [ClusterEvent::Node(facts("n")), ClusterEvent::NodesListed],
    );
    let snapshot = after.build(minute(1));
    assert!(snapshot.zones()[0].view(Rung::Climatology).is_some());
    assert_eq!(usual(&mut after, "job"), Some((20, 3)));
    let bare = node_at(&mut after, "n", minute(1)).bare.unwrap();
    assert_eq!(
        (bare.watts, bare.source, bare.samples),
        (watts(12.0), CoefficientSource::Observed, 3)
    );
    assert_eq!(after.record(minute(1)), before.record(minute(1)));
}

#[test]
fn a_past_of_another_kind_is_not_taken_back() {
    let mut before = nodes();
    let history = (-96..0).map(|half| point(30 * half, 300.0)).collect();
    before
        .apply_carbon(CarbonReport { history, ..report() }, minute(0))
        .unwrap();
    let mut around = surroundings();
    around.kind.signal = Signal::Marginal;
    let mut after = SnapshotBuilder::new(around);
    after.restore(before.record(minute(0)), minute(0));
    assert!(after.build(minute(0)).zones().is_empty());
}

#[test]
fn a_past_that_is_too_old_by_now_does_not_count() {
    let mut before = nodes();
    let history = (-96..0).map(|half| point(30 * half, 300.0)).collect();
    before
        .apply_carbon(CarbonReport { history, ..report() }, minute(0))
        .unwrap();
    let fortnight = minute(14 * 24 * 60);
    let mut after = builder();
    after.restore(before.record(minute(0)), fortnight);
    let snapshot = after.build(fortnight);
    assert!(
        snapshot
            .zones()
            .iter()
            .all(|zone| zone.view(Rung::Climatology).is_none())
    );
}

#[test]
fn g9_nodes_that_are_gone_after_a_restart_go_with_the_first_list() {
    let mut before = nodes();
    for at in 60..63 {
        before.apply_power(learned::sample(at, 12.0, None, &[]));
    }
    let mut after = restarted(&before, minute(1));
    observe(
        &mut after,
        minute(1),
        [ClusterEvent::Node(facts("m")), ClusterEvent::NodesListed],
    );
    assert_eq!(after.learned().nodes(), 1, "until power is told of");
    after.apply_power(learned::sample(70, 12.0, None, &[]));
    assert_eq!(after.learned().nodes(), 0);
}

#[test]
fn what_we_cannot_have_written_is_left_out() {
    let sums = |floor: &str, idle: &str, busy: &str| {
        format!(r#"{{"model":"T","floor":{floor},"idle":{idle},"busy":{busy}}}"#)
    };
    let no_idle = r#"{"samples":0,"watts":0.0}"#;
    let no_busy = r#"{"samples":0,"use_sum":0.0,"use_squares":0.0,"use_watts":0.0}"#;
    for (text, taken) in [
        (sums("null", no_idle, no_busy), 1),
        (sums("null", r#"{"samples":20,"watts":-500.0}"#, no_busy), 0),
        (sums("null", r#"{"samples":4000000000,"watts":5.0}"#, no_busy), 0),
        (
            sums(
                r#"{"emptySince":"2026-01-01T00:00:00Z","watts":0.0,"samples":5}"#,
                no_idle,
                no_busy,
            ),
            0,
        ),
        (
            sums(
                r#"{"emptySince":"2026-01-01T00:00:00Z","watts":9.0,"samples":1}"#,
                no_idle,
                no_busy,
            ),
            0,
        ),
    ] {
        let text = format!(r#"{{"learned":{{"nodes":[["n",{text}]]}}}}"#);
        let mut builder = builder();
        builder.restore(serde_json::from_str(&text).unwrap(), second(0));
        assert_eq!(builder.learned().nodes(), taken, "{text}");
    }
}

/// A claim, and a class that waits for the first consumer or not.
fn volumes(class: Option<&str>, bound: bool, waits: bool, default: bool) -> [ClusterEvent; 2] {
    let claim = VolumeClaim {
        namespace: Arc::from("ml"),
        name: Arc::from("data"),
        class: class.map(Arc::from),
        bound,
    };
    let class = StorageClass {
        name: Arc::from("local"),
        waits,
        default,
    };
    [VolumeEvent::Claim(claim), VolumeEvent::Class(class)].map(ClusterEvent::Volume)
}

fn mounting(claim: &str) -> PodFacts {
    PodFacts {
        volume_claims: vec![Arc::from(claim)],
        ..pod("p", None)
    }
}

#[test]
fn a_claim_that_waits_for_its_first_consumer_is_made_where_the_pod_goes() {
    for (class, bound, waits, default, made) in [
        (Some("local"), false, true, false, true),
        (Some("local"), true, true, false, false),
        (Some("local"), false, false, false, false),
        (Some("other"), false, true, true, false),
        (Some(""), false, true, true, false),
        (None, false, true, true, true),
        (None, false, true, false, false),
    ] {
        let mut builder = builder();
        observe(&mut builder, second(0), volumes(class, bound, waits, default));
        let volumes = builder.build(second(0)).volumes;
        assert_eq!(
            volumes.are_made_for(&mounting("data")),
            made,
            "{class:?} {bound} {waits} {default}"
        );
        assert!(!volumes.are_made_for(&mounting("other")) && !volumes.are_made_for(&pod("p", None)));
    }
}

/// A `StatefulSet` makes the claim and the pod in one breath, and kube-scheduler asks before a watch has told of the claim.
/// It would not ask about a claim that has to be bound first.
#[test]
fn a_claim_too_new_to_be_seen_waits_for_its_first_consumer() {
    for (listed, waits, made) in [(true, true, true), (true, false, false), (false, true, false)] {
        let mut builder = builder();
        observe(&mut builder, second(0), volumes(Some("local"), true, waits, false));
        if listed {
            observe(
                &mut builder,
                second(0),
                [ClusterEvent::Volume(VolumeEvent::ClaimsListed)],
            );
            assert!(
                !builder.build(second(0)).volumes.are_made_for(&mounting("new")),
                "until one list is whole"
            );
            let again = volumes(Some("local"), true, waits, false).into_iter();
            let list = [ClusterEvent::Volume(VolumeEvent::ClaimsRelisting)]
                .into_iter()
                .chain(again);
            let list = list.chain([ClusterEvent::Volume(VolumeEvent::ClaimsListed)]);
            observe(&mut builder, second(0), list);
        }
        let volumes = builder.build(second(0)).volumes;
        assert_eq!(volumes.are_made_for(&mounting("new")), made, "{listed} {waits}");
        assert!(
            !volumes.are_made_for(&mounting("data")),
            "a bound one is the scheduler's own business"
        );
        assert!(!volumes.are_made_for(&pod("p", None)));
    }
}

#[test]
fn g9_claims_that_are_gone_are_not_held() {
    let mut builder = builder();
    for bound in [false, true] {
        observe(&mut builder, second(0), volumes(Some("local"), bound, true, false));
        assert_eq!(builder.build(second(0)).volumes.held(), [1, 1]);
    }
    let gone = VolumeEvent::ClaimGone {
        namespace: Arc::from("ml"),
        name: Arc::from("data"),
    };
    observe(&mut builder, second(0), [ClusterEvent::Volume(gone)]);
    assert_eq!(builder.build(second(0)).volumes.held(), [0, 1]);
    // A watch that starts anew tells nothing of what went meanwhile.
    observe(&mut builder, second(0), volumes(Some("local"), true, true, false));
    let anew = [
        VolumeEvent::ClaimsRelisting,
        VolumeEvent::ClaimsListed,
        VolumeEvent::ClassesRelisting,
        VolumeEvent::ClassesListed,
    ];
    observe(&mut builder, second(0), anew.map(ClusterEvent::Volume));
    assert_eq!(builder.build(second(0)).volumes.held(), [0, 0]);
}

proptest! {
    #[test]
    fn which_runs_are_kept_does_not_depend_on_their_order(
        runs in prop::collection::vec((0_i64..500, 1_i64..500), 0..40), turn in 0_usize..40,
    ) {
        let told = |order: &mut dyn Iterator<Item = usize>| {
            let mut builder = nodes();
            for number in order {
                let (at, took) = runs[number];
                observe(&mut builder, second(0), [is_pod(ended(&format!("p{number:02}"), "job", at, took))]);
            }
            usual(&mut builder, "job")
        };
        let count = runs.len();
        let one = told(&mut (0..count));
        let other = told(&mut (0..count).map(|number| (number + turn) % count.max(1)));
        prop_assert_eq!(one, other);
        let all = runs.iter().map(|(_, took)| *took);
        if let Some((median, number)) = one {
            prop_assert!(all.clone().min().unwrap() <= median && median <= all.max().unwrap());
            prop_assert!(number <= 15, "G9");
        }
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was(
        samples in prop::collection::vec((1.0_f64..130.0, 0.0_f64..=1.0), 0..200),
        runs in prop::collection::vec((0_i64..500, 1_i64..500), 0..20),
        past in prop::collection::vec(0.0_f64..900.0, 0..100),
    ) {
        let mut before = nodes();
        observe(&mut before, second(0), [is_pod(pod("p", Some("n")))]);
        for ((drawn, share), at) in samples.iter().zip(0..) {
            before.apply_power(learned::sample(at, *drawn, Some(*share), &["p"]));
        }
        for ((at, took), number) in runs.iter().zip(0..) {
            observe(&mut before, second(0), [is_pod(ended(&format!("r{number}"), "job", *at, *took))]);
        }
        let history = (1..).zip(&past).map(|(half, value)| point(-30 * half, *value)).collect();
        before.apply_carbon(CarbonReport { history, ..report() }, minute(0)).unwrap();
        let after = restarted(&before, minute(0));
        prop_assert_eq!(after.record(minute(0)), before.record(minute(0)));
    }
}
