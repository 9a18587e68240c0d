//! The stream of simulated pods: Jobs that come at random, more in office hours, and Deployments that are rolled out.

use super::later;
use super::nodes::{POOL_LABEL, SimulatedNode};
use super::random::Random;
use crate::gpu::GpuResource;
use crate::quantity::Ratio;
use crate::workload::{
    ANNOTATION_PREFIX, Annotations, GpuAsk, Group, GroupKey, GroupKind, Owner, OwnerKind, PodFacts, PodPhase,
};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Memory is asked for in whole GiB.
pub const UNITS_PER_GIB: u64 = 1024 * 1024 * 1024;

/// Jobs of a usual day, and rollouts of Deployments.
const JOBS: f64 = 1100.0;
const ROLLOUTS: f64 = 70.0;
/// How busy pods keep their GPUs.
const UTILISATION: (f64, f64) = (0.35, 0.95);
/// Sizes of Jobs in GPUs, and how common they are: most are small, most GPU hours are in large ones.
const JOB_SIZES: [(u32, f64); 4] = [(1, 0.48), (2, 0.20), (4, 0.17), (8, 0.15)];

/// What a pod's `nodeSelector` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// Any node of a pool, whatever its model.
    Pool(&'static str),
    /// One model.
    Product(&'static str),
}

impl Selector {
    /// Label and value.
    #[must_use]
    pub fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::Pool(pool) => (POOL_LABEL, pool),
            Self::Product(product) => ("nvidia.com/gpu.product", product),
        }
    }

    pub(super) fn admits(self, node: &SimulatedNode) -> bool {
        match self {
            Self::Pool(pool) => node.pool == pool,
            Self::Product(product) => node.model == product,
        }
    }
}

/// A pod of the simulated stream, with the truth about it.
#[derive(Debug, Clone)]
pub struct SimulatedPod {
    /// What a watch tells of it while it waits.
    pub facts: PodFacts,
    /// Its annotations, with their prefix.
    pub annotations: Vec<(String, String)>,
    /// When it is created.
    pub arrives: Timestamp,
    /// How long it truly runs: a Job on the reference model, a service until it is scaled down or rolled out again.
    pub runs_for: SignedDuration,
    /// How busy it truly keeps its GPUs.
    pub utilisation: Ratio,
    /// Where it can run.
    pub selector: Selector,
    /// UID of its owner.
    pub owner_uid: String,
}

impl SimulatedPod {
    /// Whether it ends when its work is done. Otherwise it ends at a time.
    #[must_use]
    pub fn is_job(&self) -> bool {
        self.facts.owner.kind == OwnerKind::Job
    }

    /// GPUs asked for.
    #[must_use]
    pub fn gpus(&self) -> u32 {
        self.facts.gpus.map_or(0, |ask| ask.units)
    }
}

/// Makes the pods of a day, in order of arrival.
pub(super) fn pods(seed: u64, start: Timestamp) -> Vec<SimulatedPod> {
    let mut jobs = Random::of(seed, 200);
    let mut services = Random::of(seed, 201);
    let mut pods: Vec<SimulatedPod> = arrivals(&mut jobs, JOBS, office)
        .into_iter()
        .zip(0..)
        .map(|(hour, number)| job(&mut jobs, number, at(start, hour)))
        .collect();
    // What a cluster always runs is rolled out in the first minutes, the rest over the day.
    let mut rollouts: Vec<f64> = (0..24).map(|n| f64::from(n) / 60.0).collect();
    rollouts.extend(arrivals(&mut services, ROLLOUTS, office));
    for (number, hour) in (0..).zip(rollouts) {
        pods.extend(rollout(&mut services, number, at(start, hour)));
    }
    pods.sort_by_key(|pod| pod.arrives);
    pods
}

fn at(start: Timestamp, hour: f64) -> Timestamp {
    // Whole seconds, as the API server stamps them.
    let span = SignedDuration::try_from_secs_f64((hour * 3600.0).round()).unwrap_or(SignedDuration::ZERO);
    later(start, span)
}

/// More at 14:00 than at 02:00, with a mean of 1.
fn office(hour: f64) -> f64 {
    1.0 + 0.45 * (std::f64::consts::TAU * (hour - 14.0) / 24.0).cos()
}

/// Hours at which something happens: a Poisson process whose rate follows a shape, by thinning.
fn arrivals(random: &mut Random, per_day: f64, shape: fn(f64) -> f64) -> Vec<f64> {
    const MOST: f64 = 1.45;
    let mean_gap = 24.0 / (per_day * MOST);
    let mut hour = 0.0;
    let mut hours = Vec::new();
    loop {
        hour += random.exponential(mean_gap);
        if hour >= 24.0 {
            return hours;
        }
        if random.unit() * MOST < shape(hour) {
            hours.push(hour);
        }
    }
}

fn job(random: &mut Random, number: u32, arrives: Timestamp) -> SimulatedPod {
    let gpus = random.choose(&JOB_SIZES, 1);
    let minutes = random.log_normal(45.0, 0.9).clamp(10.0, 480.0).round();
    let utilisation = random.between(UTILISATION.0, UTILISATION.1);
    let mut annotations = Vec::new();
    if random.unit() < 0.7 {
        // People round, and are off by a quarter.
        let said = (minutes * random.log_normal(1.0, 0.25) / 5.0).ceil() * 5.0;
        annotations.push((format!("{ANNOTATION_PREFIX}duration"), format!("{said:.0}m")));
    }
    if random.unit() < 0.3 {
        annotations.push((format!("{ANNOTATION_PREFIX}utilisation"), format!("{utilisation:.2}")));
    }
    let selector = match random.unit() {
        draw if draw < 0.15 => Selector::Product("NVIDIA-H100-80GB-HBM3"),
        _ => Selector::Pool("training"),
    };
    let kind = random.choose(&[("finetune", 0.4), ("evaluate", 0.35), ("pretrain", 0.25)], "evaluate");
    let per_gpu = (
        random.choose(&[(8, 0.5), (10, 0.3), (12, 0.2)], 8),
        random.choose(&[(64, 0.6), (96, 0.4)], 64),
    );
    Draft {
        namespace: "research",
        owner: format!("{kind}-{number:04}"),
        kind: OwnerKind::Job,
        owner_uid: random.uuid(),
        gpus,
        per_gpu,
        annotations,
        arrives,
        minutes,
        utilisation,
        selector,
    }
    .pod(random)
}

fn rollout(random: &mut Random, number: u32, arrives: Timestamp) -> Vec<SimulatedPod> {
    let replicas = random.choose(&[(2_u32, 0.5), (3, 0.3), (6, 0.2)], 2);
    let gpus = random.choose(&[(1, 0.75), (2, 0.25)], 1);
    let product = random.choose(&[("NVIDIA-L40S", 0.5), ("NVIDIA-L4", 0.5)], "NVIDIA-L4");
    // Until it is scaled down or rolled out again.
    let minutes = random.log_normal(360.0, 0.6).clamp(60.0, 1800.0).round();
    let utilisation = random.between(UTILISATION.0, UTILISATION.1);
    // A Deployment's pods belong to a ReplicaSet named after it.
    let owner = format!("chat-{number:03}-{}", random.suffix(10));
    let owner_uid = random.uuid();
    (0..replicas)
        .map(|_| {
            Draft {
                namespace: "serving",
                owner: owner.clone(),
                kind: OwnerKind::Service,
                owner_uid: owner_uid.clone(),
                gpus,
                per_gpu: (6, 24),
                annotations: Vec::new(),
                arrives,
                minutes,
                utilisation,
                selector: Selector::Product(product),
            }
            .pod(random)
        })
        .collect()
}

/// A pod before it has a name.
struct Draft {
    namespace: &'static str,
    owner: String,
    kind: OwnerKind,
    owner_uid: String,
    gpus: u32,
    /// Cores and GiB for each GPU.
    per_gpu: (u64, u64),
    annotations: Vec<(String, String)>,
    arrives: Timestamp,
    minutes: f64,
    utilisation: f64,
    selector: Selector,
}

impl Draft {
    fn pod(self, random: &mut Random) -> SimulatedPod {
        let (cores, gib) = self.per_gpu;
        let pairs = self
            .annotations
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let namespace = Arc::from(self.namespace);
        let job = (self.kind == OwnerKind::Job).then_some(&self.owner_uid);
        let key = job.and_then(|uid| GroupKey::new(&namespace, GroupKind::Job, uid));
        let group = key.map(|key| Group { key, size: None });
        SimulatedPod {
            facts: PodFacts {
                uid: Arc::from(random.uuid()),
                namespace,
                name: Arc::from(format!("{}-{}", self.owner, random.suffix(5))),
                resource_version: Arc::from((1000 + random.below(1_000_000)).to_string()),
                owner: Owner {
                    kind: self.kind,
                    name: Arc::from(self.owner.as_str()),
                },
                group,
                priority: 0,
                system_priority: false,
                gpus: Some(GpuAsk {
                    resource: GpuResource::NVIDIA,
                    units: self.gpus,
                }),
                claims: None,
                cpu_milli: cores * 1000 * u64::from(self.gpus),
                memory_bytes: gib * UNITS_PER_GIB * u64::from(self.gpus),
                annotations: Annotations::keep(pairs),
                prefers: false,
                gated: false,
                node: None,
                ran: None,
                volume_claims: Vec::new(),
                nominated: None,
                started_at: None,
                unschedulable: false,
                phase: PodPhase::Pending,
            },
            annotations: self.annotations,
            arrives: self.arrives,
            runs_for: SignedDuration::try_from_secs_f64(self.minutes * 60.0).unwrap_or(SignedDuration::ZERO),
            utilisation: Ratio::saturating(self.utilisation),
            selector: self.selector,
            owner_uid: self.owner_uid,
        }
    }
}
