//! A cluster in a few numbers, told to the snapshot room as edges tell it.

#![allow(dead_code, reason = "the benchmark shares this file and uses a part of it")]

use heliotrope_core::gpu::{GpuCatalogue, GpuProfile, GpuResource, GpuSharing};
use heliotrope_core::grid::{Basis, IntensityKind, IntensityPoint, RegionTable, Signal, ZoneId};
use heliotrope_core::placement::{Bookings, Candidate, Decision, Groups, Policy, Question, decide};
use heliotrope_core::quantity::{GramsPerKwh, Ratio, Source, Watts};
use heliotrope_core::snapshot::{
    BookingBounds, CarbonReport, ClusterEvent, Forecast, HostModel, LadderBounds, LatestIntensity, NodeFacts, NodeIx,
    PowerBounds, Pue, Snapshot, SnapshotBuilder, Surroundings, WakeWeights,
};
use heliotrope_core::workload::{
    Annotations, Duration, DurationSource, GpuAsk, Horizon, Mode, Owner, OwnerKind, PodFacts, PodPhase, Workload,
    ZoneRule,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The instant of every decision: an arbitrary full hour.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

pub(crate) const KIND: IntensityKind = IntensityKind {
    signal: Signal::Average,
    basis: Basis::Lifecycle,
};

/// Model, bare, context and maximum watts, rated throughput. The last one has no throughput.
pub(crate) const MODELS: [(&str, f64, f64, f64, Option<f64>); 4] = [
    ("small", 10.0, 20.0, 70.0, Some(1.0)),
    ("middle", 40.0, 30.0, 300.0, Some(5.0)),
    ("large", 70.0, 50.0, 700.0, Some(15.0)),
    ("odd", 15.0, 40.0, 300.0, None),
];

/// What a zone says on each rung, in g/kWh; `None` where it has nothing to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ZoneSpec {
    pub(crate) live: Option<f64>,
    /// Six hours each from now on.
    pub(crate) forecast: Option<[f64; 4]>,
    /// By day and by night over the last days.
    pub(crate) usual: Option<[f64; 2]>,
    pub(crate) yearly: Option<f64>,
}

impl ZoneSpec {
    /// A zone that says the same on every rung.
    pub(crate) fn flat(value: f64) -> Self {
        Self {
            live: Some(value),
            forecast: Some([value; 4]),
            usual: Some([value; 2]),
            yearly: Some(value),
        }
    }

    /// The same shape, every value times a factor.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self {
            live: self.live.map(|v| v * factor),
            forecast: self.forecast.map(|f| f.map(|v| v * factor)),
            usual: self.usual.map(|u| u.map(|v| v * factor)),
            yearly: self.yearly.map(|v| v * factor),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NodeSpec {
    /// Place in the world's zones; `None` for a node whose zone nobody knows.
    pub(crate) zone: Option<usize>,
    /// Place in [`MODELS`]; `None` for a label that no profile has.
    pub(crate) model: Option<usize>,
    pub(crate) boards: u32,
    /// GPUs of each pod that runs here.
    pub(crate) busy: Vec<u32>,
    pub(crate) pue: f64,
    /// Weight of the wake watts.
    pub(crate) wake: f64,
}

impl NodeSpec {
    /// Eight large boards, empty.
    pub(crate) fn in_zone(zone: usize) -> Self {
        Self {
            zone: Some(zone),
            model: Some(2),
            boards: 8,
            busy: Vec::new(),
            pue: 1.0,
            wake: 1.0,
        }
    }

    pub(crate) fn awake(self) -> Self {
        Self { busy: vec![1], ..self }
    }

    pub(crate) fn of_model(self, model: usize) -> Self {
        Self {
            model: Some(model),
            ..self
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct World {
    pub(crate) zones: Vec<ZoneSpec>,
    pub(crate) nodes: Vec<NodeSpec>,
    /// GPUs of each pod that waits.
    pub(crate) pending: Vec<u32>,
}

pub(crate) fn zone_id(zone: usize) -> ZoneId {
    format!("Z{zone}").parse().unwrap()
}

/// The name of a node; names sort as their numbers do.
pub(crate) fn node_name(node: usize) -> String {
    format!("node-{node:05}")
}

impl World {
    /// Awake nodes of large boards, one in each zone of a flat intensity.
    pub(crate) fn flat(values: &[f64]) -> Self {
        Self {
            zones: values.iter().copied().map(ZoneSpec::flat).collect(),
            nodes: (0..values.len()).map(|zone| NodeSpec::in_zone(zone).awake()).collect(),
            pending: Vec::new(),
        }
    }

    pub(crate) fn times(&self, factor: f64) -> Self {
        Self {
            zones: self.zones.iter().map(|zone| zone.times(factor)).collect(),
            ..self.clone()
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut builder = SnapshotBuilder::new(self.surroundings());
        for report in self.reports() {
            builder.apply_carbon(report, now()).unwrap();
        }
        for event in self.events() {
            builder.apply_cluster(event, now());
        }
        builder.build(now())
    }

    pub(crate) fn reports(&self) -> Vec<CarbonReport> {
        self.zones
            .iter()
            .enumerate()
            .map(|(i, zone)| report(i, *zone))
            .collect()
    }

    pub(crate) fn events(&self) -> Vec<ClusterEvent> {
        let nodes = self.nodes.iter().enumerate();
        let running = nodes.clone().flat_map(|(i, node)| {
            let pods = node.busy.iter().enumerate();
            pods.map(move |(p, gpus)| pod(&victim_uid(i, p), *gpus, Some(&node_name(i))))
        });
        let waiting = self.pending.iter().enumerate();
        let waiting = waiting.map(|(p, gpus)| pod(&format!("pending-{p}"), *gpus, None));
        let pods = running.chain(waiting).map(|pod| ClusterEvent::Pod(Box::new(pod)));
        nodes
            .map(|(i, node)| ClusterEvent::Node(facts(i, node)))
            .chain(pods)
            .chain([ClusterEvent::NodesListed, ClusterEvent::PodsListed])
            .collect()
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        surroundings_of(&self.nodes)
    }
}

/// Tables and figures for some nodes.
pub(crate) fn surroundings_of(nodes: &[NodeSpec]) -> Surroundings {
    let nodes = || nodes.iter().enumerate();
    let pool = |(i, node): (usize, &NodeSpec)| (node_name(i), Ratio::new(node.wake).unwrap());
    Surroundings {
        kind: KIND,
        regions: RegionTable::default(),
        catalogue: Arc::new(GpuCatalogue::new(MODELS.map(profile).to_vec()).unwrap()),
        ladder: LadderBounds::default(),
        power: PowerBounds::default(),
        bookings: BookingBounds::default(),
        domains: Vec::new(),
        pue: Pue {
            nodes: nodes().map(|(i, node)| (node_name(i), node.pue)).collect(),
            ..Pue::default()
        },
        wake: WakeWeights {
            default: Ratio::ONE,
            pools: nodes().map(pool).collect::<BTreeMap<_, _>>(),
        },
        host: HostModel::default(),
    }
}

/// The UID of a pod on a node.
pub(crate) fn victim_uid(node: usize, pod: usize) -> String {
    format!("{node}-{pod}")
}

fn profile((model, bare, context, max, rated): (&str, f64, f64, f64, Option<f64>)) -> (GpuProfile, Vec<String>) {
    let watts = |value| Watts::new(value).unwrap();
    let profile = GpuProfile {
        model: model.into(),
        bare: watts(bare),
        context: watts(context),
        max: watts(max),
        rated_throughput: rated,
        measured_throughput: rated.map(|rated| rated * 0.9),
    };
    (profile, Vec::new())
}

pub(crate) fn report(zone: usize, spec: ZoneSpec) -> CarbonReport {
    let grams = |value| GramsPerKwh::new(value).unwrap();
    let hours = |hours| now() + SignedDuration::from_hours(hours);
    let point = |(hour, value)| IntensityPoint {
        from: hours(hour),
        value: grams(value),
    };
    CarbonReport {
        zone: zone_id(zone),
        kind: KIND,
        source: Source::new("test"),
        priority: 0,
        latest: spec.live.map(|value| LatestIntensity {
            value: grams(value),
            from: now(),
            until: hours(1),
            estimated: false,
        }),
        forecast: spec.forecast.map(|values| Forecast {
            issued_at: now(),
            points: [0, 6, 12, 18].into_iter().zip(values).map(point).collect(),
            until: hours(24),
        }),
        history: spec.usual.map_or_else(Vec::new, |[day, night]| {
            let hour = |h: i64| (h, if h.rem_euclid(24) < 12 { day } else { night });
            (-48..0).map(hour).map(point).collect()
        }),
        fixed: spec.yearly.map(grams),
    }
}

pub(crate) fn facts(i: usize, node: &NodeSpec) -> NodeFacts {
    NodeFacts {
        name: Arc::from(node_name(i)),
        region: None,
        provider: None,
        zone: node.zone.map(zone_id),
        gpu_product: Some(Arc::from(node.model.map_or("nobody's", |model| MODELS[model].0))),
        gpus: vec![(GpuResource::NVIDIA, node.boards)],
        gpu_sharing: GpuSharing::default(),
        devices: None,
        cpu_milli: u64::from(node.boards) * 12_000,
        memory_bytes: u64::from(node.boards) << 37,
        topology_zone: None,
        domain_labels: Vec::new(),
        pool: Some(Arc::from(node_name(i))),
        schedulable: true,
    }
}

/// A pod of a Job with four cores and 16 GiB for each GPU.
pub(crate) fn pod(uid: &str, gpus: u32, node: Option<&str>) -> PodFacts {
    PodFacts {
        uid: Arc::from(uid),
        namespace: Arc::from("ml"),
        name: Arc::from(uid),
        resource_version: Arc::from("1"),
        owner: Owner {
            kind: OwnerKind::Job,
            name: Arc::from("job"),
        },
        group: None,
        priority: 0,
        system_priority: false,
        gpus: Some(GpuAsk {
            resource: GpuResource::NVIDIA,
            units: gpus,
        }),
        claims: None,
        cpu_milli: u64::from(gpus) * 4000,
        memory_bytes: u64::from(gpus) << 34,
        annotations: Annotations::default(),
        prefers: false,
        gated: false,
        node: node.map(Arc::from),
        ran: None,
        volume_claims: Vec::new(),
        nominated: None,
        started_at: None,
        unschedulable: false,
        phase: PodPhase::Pending,
    }
}

/// A job of two GPUs for four hours that may run anywhere.
pub(crate) fn workload(mode: Mode) -> Workload {
    Workload {
        gpus: GpuAsk {
            resource: GpuResource::NVIDIA,
            units: 2,
        },
        cpu_milli: 8000,
        memory_bytes: 1 << 35,
        priority: 0,
        duration: Duration {
            span: SignedDuration::from_hours(4),
            source: DurationSource::Annotation,
            horizon: Horizon::Job,
        },
        utilisation: Ratio::new(0.7).unwrap(),
        zones: ZoneRule::default(),
        mode,
        prefers: false,
        group: None,
        draws: Vec::new(),
        notes: Vec::new(),
    }
}

/// A rule that denies some zones of the world.
pub(crate) fn denying(zones: impl IntoIterator<Item = usize>) -> ZoneRule {
    ZoneRule::new(None, zones.into_iter().map(zone_id).collect::<BTreeSet<_>>())
}

/// The default policy, with durations stated on the large model.
pub(crate) fn policy() -> Policy {
    Policy {
        reference_model: MODELS[2].0.to_owned(),
        ..Policy::default()
    }
}

/// All nodes of a snapshot as candidates, by name.
pub(crate) fn all(snapshot: &Snapshot) -> Vec<Candidate<'static>> {
    let count = u32::try_from(snapshot.nodes().len()).unwrap();
    (0..count).map(|ix| Candidate::Known(NodeIx(ix))).collect()
}

/// Nobody was promised anything.
static NOBODY: Bookings = Bookings::none();
static NO_GROUPS: Groups = Groups::none();

/// The question about a workload, with no promises, at the instant of every decision.
pub(crate) fn about<'a>(snapshot: &'a Snapshot, workload: &'a Workload, policy: &'a Policy) -> Question<'a> {
    Question {
        uid: "asks",
        snapshot,
        workload,
        policy,
        bookings: &NOBODY,
        groups: &NO_GROUPS,
        now: now(),
    }
}

/// Decides over all nodes of a world.
pub(crate) fn decided(world: &World, workload: &Workload, policy: &Policy) -> Decision {
    let snapshot = world.snapshot();
    decide(&about(&snapshot, workload, policy), &all(&snapshot))
}
