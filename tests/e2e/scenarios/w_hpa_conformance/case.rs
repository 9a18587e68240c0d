use super::draw::Draw;
use super::{DOWNSCALE_STABILISATION, STEPS};
use heliotrope_core::rightsizing::hpa::{
    AverageTarget, Behavior, HpaSpec, HpaVersion, Metric, PodPhase, Policy, PolicyKind, Rules, Select, Tolerance,
    TotalTarget,
};

/// Windows and periods in seconds, which end between two syncs of four seconds each.
const SPANS: &[i32] = &[2, 6, 10, 14, 18, 22];
/// What is read, in thousandths of the target: around the ends of the tolerance, and far from it.
const LOADS: &[i64] = &[
    0, 200, 500, 800, 890, 900, 910, 950, 1000, 1000, 1050, 1090, 1100, 1100, 1110, 1200, 1500, 2000, 3000, 7000,
];

/// A pod, with times as ages in seconds when the scenario starts.
#[derive(Debug, Clone)]
pub(super) struct CasePod {
    pub(super) phase: PodPhase,
    pub(super) deleting: bool,
    /// The condition Ready, and since when.
    pub(super) ready: Option<(Option<bool>, i64)>,
    pub(super) started: Option<i64>,
    /// Thousandths.
    pub(super) request: Option<i64>,
}

/// What one read of a metric is answered.
#[derive(Debug, Clone)]
pub(super) enum Scripted {
    /// Not found.
    Failed,
    /// For each pod its value; values of pods that are not there; age and window of the samples in seconds.
    Pods {
        values: Vec<Option<i64>>,
        strays: Vec<i64>,
        age: i64,
        window: i64,
    },
    /// Of an object, or of external series.
    Values(Vec<i64>),
}

/// One generated autoscaler, its target and what its metrics will say.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) spec: HpaSpec,
    /// Whether `behavior.scaleUp` and `scaleDown` are left to the API's defaults.
    pub(super) left_out: (bool, bool),
    /// Whether a resource is asked of the one container instead of the pod.
    pub(super) of_container: bool,
    /// Whether a pod without a value has one of another container instead of none at all.
    pub(super) hollow: bool,
    pub(super) current: i32,
    pub(super) status: i32,
    pub(super) pods: Vec<CasePod>,
    /// By sync, then by metric; begins again at its end.
    pub(super) script: Vec<Vec<Scripted>>,
}

impl Case {
    /// The case of a number. Every eighth is scaled to zero and back.
    pub(super) fn generate(number: u64) -> Self {
        let mut draw = Draw::of(0x6865_6c69_6f00_0000 + number);
        if number % 8 == 7 {
            return Self::idle_at_times(number, &mut draw);
        }
        let metrics = metrics(&mut draw);
        let from_nothing = metrics.iter().any(|metric| metric.counts_without_replicas());
        let min = if from_nothing && draw.chance(25) {
            0
        } else {
            draw.count(1, 5)
        };
        let max = (min + draw.count(0, 20)).max(1);
        let current = match draw.between(0, 19) {
            0 => 0,
            1 => max + draw.count(1, 5),
            2 => (min - 1).max(0),
            _ => draw.count(min, max),
        };
        let status = match draw.between(0, 9) {
            0 => 0,
            1 => current + draw.count(1, 3),
            _ => current,
        };
        let (behavior, left_out) = behavior(&mut draw);
        let whole = draw.chance(90);
        let pods: Vec<_> = (0..draw.count(-1, 6).max(0)).map(|_| pod(&mut draw, whole)).collect();
        let steps = (0..STEPS).map(|_| {
            let of = |metric: &Metric| read_sometimes(&mut draw, *metric, &pods, status);
            metrics.iter().map(of).collect()
        });
        let script = steps.collect();
        let of_container = draw.chance(30);
        Self {
            name: format!("hpa-{number:04}"),
            spec: spec((min, max), metrics, behavior),
            left_out,
            of_container,
            hollow: of_container && draw.chance(50),
            current,
            status,
            pods,
            script,
        }
    }

    /// A target that may have no replicas, whose load goes away for longer than most windows and comes back.
    fn idle_at_times(number: u64, draw: &mut Draw) -> Self {
        let mut total = || {
            let target = draw.between(1, 300) * 10;
            let target = if draw.chance(50) {
                TotalTarget::Value(target)
            } else {
                TotalTarget::AverageValue(target)
            };
            if draw.chance(50) {
                Metric::Object(target)
            } else {
                Metric::External(target)
            }
        };
        let mut metrics = vec![total()];
        if number.is_multiple_of(3) {
            metrics.push(total());
        }
        let behavior = draw.chance(50).then(|| {
            let mut behavior = Behavior::filled(DOWNSCALE_STABILISATION);
            behavior.up.window = draw.pick(&[0, 0, 6]);
            behavior.down.window = draw.pick(&[0, 2, 6, 10]);
            behavior
        });
        let max = draw.count(1, 8);
        let fewest = i32::from(!draw.chance(10));
        let current = draw.count(fewest, max);
        let pods: Vec<_> = (0..draw.count(1, 4)).map(|_| pod(draw, true)).collect();
        let first_idle = draw.between(0, 2);
        let steps = (0..).take(STEPS).map(|step| {
            let idle = (first_idle..first_idle + 4).contains(&step);
            let load = if idle { 0 } else { draw.pick(&[200, 900, 1500, 4000]) };
            let of = |metric: &Metric| reading(draw, *metric, &pods, (current, load));
            metrics.iter().map(of).collect()
        });
        let script = steps.collect();
        Self {
            name: format!("hpa-{number:04}"),
            spec: spec((0, max), metrics, behavior),
            left_out: (false, false),
            of_container: false,
            hollow: false,
            current,
            status: current,
            pods,
            script,
        }
    }
}

fn spec((min, max): (i32, i32), metrics: Vec<Metric>, behavior: Option<Behavior>) -> HpaSpec {
    HpaSpec {
        min,
        max,
        metrics,
        behavior,
        tolerance: Tolerance::default(),
        downscale_stabilisation: DOWNSCALE_STABILISATION,
        version: HpaVersion::From137,
    }
}

fn metrics(draw: &mut Draw) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = Vec::new();
    for _ in 0..draw.pick(&[1, 1, 1, 2, 2, 3]) {
        let target = draw.between(1, 300) * draw.pick(&[10, 10, 100, 1]);
        let total = if draw.chance(50) {
            TotalTarget::Value(target)
        } else {
            TotalTarget::AverageValue(target)
        };
        let resource = metrics.iter().any(|metric| matches!(metric, Metric::Resource { .. }));
        metrics.push(match draw.between(0, 9) {
            // One resource an autoscaler: a read of the pods' resources does not say which of them it is for.
            0..=4 if !resource => Metric::Resource {
                target: if draw.chance(70) {
                    AverageTarget::Utilisation(draw.pick(&[10, 30, 50, 60, 80, 100, 150]))
                } else {
                    AverageTarget::Value(target)
                },
                of_cpu: draw.chance(80),
            },
            0..=5 => Metric::Pods { target },
            6..=7 => Metric::Object(total),
            _ => Metric::External(total),
        });
    }
    metrics
}

fn behavior(draw: &mut Draw) -> (Option<Behavior>, (bool, bool)) {
    if draw.chance(40) {
        return (None, (false, false));
    }
    let left_out = (draw.chance(15), draw.chance(15));
    let mut behavior = Behavior::filled(DOWNSCALE_STABILISATION);
    if !left_out.0 {
        behavior.up = rules(draw);
    }
    if !left_out.1 {
        behavior.down = rules(draw);
    }
    // Without either there would be no behavior to speak of.
    let nothing = left_out == (true, true);
    ((!nothing).then_some(behavior), left_out)
}

fn rules(draw: &mut Draw) -> Rules {
    let policies = (0..draw.count(1, 3)).map(|_| Policy {
        kind: draw.pick(&[PolicyKind::Pods, PolicyKind::Percent]),
        value: draw.pick(&[1, 2, 3, 5, 10, 25, 50, 100, 200]),
        period: draw.pick(SPANS),
    });
    let policies = policies.collect();
    Rules {
        window: if draw.chance(40) { 0 } else { draw.pick(SPANS) },
        select: draw.pick(&[Select::Max, Select::Max, Select::Min, Select::Disabled]),
        policies,
        // As the API reads a quantity of thousandths.
        tolerance: draw.chance(40).then(|| draw.pick(&[0.0, 50.0, 100.0, 300.0]) * 1e-3),
    }
}

fn pod(draw: &mut Draw, whole: bool) -> CasePod {
    let odd = draw.chance(25);
    let since = draw.pick(&[5, 40, 100, 200, 900]);
    CasePod {
        phase: if odd {
            draw.pick(&[
                PodPhase::Pending,
                PodPhase::Running,
                PodPhase::Succeeded,
                PodPhase::Failed,
                PodPhase::Unknown,
            ])
        } else {
            PodPhase::Running
        },
        deleting: odd && draw.chance(25),
        ready: match draw.between(0, 19) {
            0 => None,
            1 => Some((None, since)),
            2 | 3 => Some((Some(false), since)),
            _ => Some((Some(true), since)),
        },
        started: (!odd || draw.chance(80)).then(|| since + draw.pick(&[0, 5, 20, 60, 1000])),
        request: (whole || draw.chance(60)).then(|| draw.between(1, 40) * 1000),
    }
}

fn read_sometimes(draw: &mut Draw, metric: Metric, pods: &[CasePod], status: i32) -> Scripted {
    if draw.chance(6) {
        return Scripted::Failed;
    }
    let load = draw.pick(LOADS);
    reading(draw, metric, pods, (status, load))
}

fn reading(draw: &mut Draw, metric: Metric, pods: &[CasePod], (status, load): (i32, i64)) -> Scripted {
    let total = |draw: &mut Draw, usage: i64, external: bool| {
        let first = if external && draw.chance(30) { usage / 3 } else { usage };
        let mut values = vec![first];
        if first != usage {
            values.push(usage - first);
        }
        Scripted::Values(values)
    };
    let of_target = |target: TotalTarget| match target {
        TotalTarget::Value(target) => target * load / 1000,
        TotalTarget::AverageValue(target) => target * i64::from(status.max(1)) * load / 1000,
    };
    match metric {
        Metric::Object(target) => total(draw, of_target(target), false),
        Metric::External(target) => total(draw, of_target(target), true),
        Metric::Pods { target } => of_pods(draw, pods, load, |_| target),
        Metric::Resource { target, .. } => of_pods(draw, pods, load, |pod| match target {
            AverageTarget::Value(target) => target,
            AverageTarget::Utilisation(percent) => pod.request.unwrap_or(1000) * i64::from(percent) / 100,
        }),
    }
}

fn of_pods(draw: &mut Draw, pods: &[CasePod], load: i64, target: impl Fn(&CasePod) -> i64) -> Scripted {
    let (even, all) = (draw.chance(50), draw.chance(70));
    let value = |pod: &CasePod| {
        let share = if even { 100 } else { draw.pick(&[50, 90, 100, 110, 150]) };
        (all || draw.chance(70)).then(|| target(pod) * load / 1000 * share / 100)
    };
    let values = pods.iter().map(value).collect();
    let strays = if draw.chance(8) {
        vec![draw.between(0, 5000)]
    } else {
        Vec::new()
    };
    Scripted::Pods {
        values,
        strays,
        age: draw.pick(&[0, 0, 10, 60]),
        window: draw.pick(&[15, 30, 60]),
    }
}
