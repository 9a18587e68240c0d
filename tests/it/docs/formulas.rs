//! The worked example of `docs/formulas/placement.md`, computed by the real rules from the shipped tables.

use super::{read, root};
use heliotrope::app::settings::{Loaded, load};
use heliotrope_core::gpu::GpuResource;
use heliotrope_core::grid::{IntensityPoint, RegionTable};
use heliotrope_core::placement::{Candidate, Decision, decide};
use heliotrope_core::quantity::{GramsPerKwh, Source};
use heliotrope_core::snapshot::{
    CarbonReport, ClusterEvent, Forecast, LatestIntensity, NodeFacts, Snapshot, SnapshotBuilder, Surroundings,
};
use heliotrope_core::workload::{
    Annotations, GpuAsk, Mode, Namespaces, Owner, OwnerKind, PodFacts, PodPhase, Workload, WorkloadRules,
};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

const H100: &str = "NVIDIA-H100-80GB-HBM3";
const A100: &str = "NVIDIA-A100-SXM4-80GB";

/// Name, model, zone and whether something runs there.
const NODES: [(&str, &str, &str, bool); 4] = [
    ("paris", H100, "FR", false),
    ("london-1", H100, "GB", true),
    ("london-2", A100, "GB", true),
    ("frankfurt", H100, "DE", true),
];

fn hour(hour: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap()
}

/// The shipped settings: their tables and defaults.
fn shipped() -> Loaded {
    load(&root().join("deploy/kustomize/base/heliotrope.yaml")).unwrap()
}

fn snapshot(shipped: &Loaded) -> Snapshot {
    let settings = &shipped.settings;
    let mut pue = settings.power.pue.clone();
    pue.nodes.insert("paris".into(), 1.1);
    let mut builder = SnapshotBuilder::new(Surroundings {
        kind: settings.carbon.kind,
        regions: RegionTable::default(),
        catalogue: Arc::clone(&shipped.tables.gpus.catalogue),
        ladder: settings.carbon.ladder,
        power: settings.power.bounds,
        pue,
        wake: settings.placement.wake.clone(),
        host: settings.power.host,
    });
    for (zone, now, later) in [("FR", 40.0, Some(60.0)), ("GB", 150.0, None), ("DE", 300.0, None)] {
        builder
            .apply_carbon(report(shipped, zone, now, later), hour(0))
            .unwrap();
    }
    for (name, model, zone, awake) in NODES {
        builder.apply_cluster(ClusterEvent::Node(facts(name, model, zone)), hour(0));
        if awake {
            builder.apply_cluster(ClusterEvent::Pod(Box::new(pod(name, 1, Some(name)))), hour(0));
        }
    }
    // The pod of the example, and another one that waits.
    for waiting in ["work", "another"] {
        builder.apply_cluster(ClusterEvent::Pod(Box::new(pod(waiting, 2, None))), hour(0));
    }
    builder.apply_cluster(ClusterEvent::NodesListed, hour(0));
    builder.apply_cluster(ClusterEvent::PodsListed, hour(0));
    builder.build(hour(0))
}

fn report(shipped: &Loaded, zone: &str, now: f64, later: Option<f64>) -> CarbonReport {
    let grams = |value| GramsPerKwh::new(value).unwrap();
    CarbonReport {
        zone: zone.parse().unwrap(),
        kind: shipped.settings.carbon.kind,
        source: Source::new("example"),
        priority: 0,
        latest: Some(LatestIntensity {
            value: grams(now),
            from: hour(0),
            until: hour(1),
            estimated: false,
        }),
        forecast: later.map(|value| Forecast {
            issued_at: hour(0),
            points: vec![IntensityPoint {
                from: hour(0),
                value: grams(value),
            }],
            until: hour(24),
        }),
        history: Vec::new(),
        fixed: None,
    }
}

fn facts(name: &str, model: &str, zone: &str) -> NodeFacts {
    NodeFacts {
        name: Arc::from(name),
        region: None,
        provider: None,
        zone: Some(zone.parse().unwrap()),
        gpu_product: Some(Arc::from(model)),
        gpus: vec![(GpuResource::NVIDIA, 8)],
        gpu_replicas: 1,
        cpu_milli: 96_000,
        memory_bytes: 1 << 40,
        pool: None,
        schedulable: true,
    }
}

fn pod(name: &str, gpus: u32, node: Option<&str>) -> PodFacts {
    PodFacts {
        uid: Arc::from(name),
        namespace: Arc::from("ml"),
        name: Arc::from(name),
        resource_version: Arc::from("1"),
        owner: Owner {
            kind: OwnerKind::Job,
            name: Arc::from("job"),
        },
        priority: 0,
        system_priority: false,
        gpus: Some(GpuAsk {
            resource: GpuResource::NVIDIA,
            units: gpus,
        }),
        cpu_milli: 8000,
        memory_bytes: 32 << 30,
        annotations: Annotations::keep([("heliotrope.dev/duration", "4h")].into_iter()),
        prefers: false,
        gated: false,
        node: node.map(Arc::from),
        phase: PodPhase::Pending,
    }
}

fn decided(mode: Mode) -> Decision {
    let shipped = shipped();
    let snapshot = snapshot(&shipped);
    let namespaces = Namespaces {
        default: WorkloadRules {
            mode,
            ..shipped.settings.placement.namespaces.default.clone()
        },
        ..Namespaces::default()
    };
    let workload = Workload::parse(&pod("work", 2, None), &namespaces).unwrap();
    assert_eq!(workload.duration.span, SignedDuration::from_hours(4));
    let candidates: Vec<Candidate<'_>> = NODES
        .iter()
        .map(|(name, ..)| Candidate::Known(snapshot.find(name).unwrap()))
        .collect();
    let policy = &shipped.settings.placement.policy;
    decide(&snapshot, &workload, policy, &candidates, hour(0))
}

#[test]
fn the_worked_example_is_what_the_rules_compute() {
    let page = read(&root().join("docs/formulas/placement.md"));
    let decision = decided(Mode::Prefer);
    for (((name, model, _, awake), cost), score) in NODES.iter().zip(&decision.costs).zip(&decision.scores) {
        let cost = cost.unwrap();
        let row = format!(
            "| `{name}` | {model} | {} | {:.1} | {:.1} | {:.2} | {:.1} | {:.1} | {score} |",
            if *awake { "awake" } else { "empty" },
            cost.watts.get(),
            cost.wake.get(),
            cost.seconds / 3600.0,
            cost.intensity.get(),
            cost.grams,
        );
        assert!(
            page.contains(&row),
            "docs/formulas/placement.md should have the row\n{row}"
        );
    }
}

#[test]
fn in_strict_mode_the_example_leaves_paris_alone() {
    let decision = decided(Mode::Strict);
    assert_eq!(decision.verdict.kept, [true, false, false, false]);
}
