//! The autoscaler's decision a second time: as short as its description, on plain lists, for comparison only.

use heliotrope_core::rightsizing::hpa::{
    AverageTarget, Behavior, HpaSpec, HpaVersion, Metric, MetricReading, Observation, Outcome, Pod, PodPhase, Policy,
    PolicyKind, Rules, Select, Timing, TotalTarget,
};
use jiff::{SignedDuration, Timestamp};

/// What it remembers: recommendations, and changes of each direction.
#[derive(Default)]
pub(crate) struct Oracle {
    recommended: Vec<(Timestamp, i32)>,
    added: Vec<(Timestamp, i32)>,
    removed: Vec<(Timestamp, i32)>,
    zeroed: bool,
}

/// What was decided in words and numbers, the same way for both sides of the comparison.
pub(crate) fn told(outcome: &Outcome, current: i32) -> String {
    let desired = outcome.desired(current);
    match outcome {
        Outcome::Disabled => format!("disabled {desired}"),
        Outcome::AboveMax(_) | Outcome::BelowMin(_) => format!("outside {desired}"),
        Outcome::Held(_) => format!("held {desired}"),
        Outcome::Metrics {
            combined,
            stabilised,
            limited,
            ..
        } => {
            let wanted = combined.replicas.unwrap();
            format!(
                "{wanted} {} {:?} {} {:?} {desired}",
                stabilised.0, stabilised.1, limited.0, limited.1
            )
        }
    }
}

impl Oracle {
    /// One sync, whose change is made at once. Returns the replicas that there are then, and what was decided.
    pub(crate) fn sync(
        &mut self,
        spec: &HpaSpec,
        seen: &Observation,
        timing: Timing,
        now: Timestamp,
    ) -> (i32, String) {
        let current = seen.spec_replicas;
        let (desired, told) = self.decide(spec, seen, timing, now);
        if desired != current {
            self.zeroed = desired == 0;
            let behavior = spec.behavior.as_ref();
            if let Some(Behavior { up, .. }) = behavior.filter(|_| desired > current) {
                remember(&mut self.added, up, (now, desired - current));
            }
            if let Some(Behavior { down, .. }) = behavior.filter(|_| desired < current) {
                remember(&mut self.removed, down, (now, current - desired));
            }
        }
        (desired, told)
    }

    fn decide(&mut self, spec: &HpaSpec, seen: &Observation, timing: Timing, now: Timestamp) -> (i32, String) {
        let current = seen.spec_replicas;
        if self.recommended.is_empty() {
            self.recommended.push((now, current));
        }
        let total = |metric: &Metric| matches!(metric, Metric::Object(_) | Metric::External(_));
        let remembers = spec.version == HpaVersion::From137;
        let zeroed = remembers && self.zeroed && current == 0;
        let awaited = if remembers {
            zeroed && (spec.min > 0 || spec.metrics.iter().any(total))
        } else {
            spec.min == 0
        };
        if current == 0 && !awaited {
            return (0, "disabled 0".into());
        }
        if current > spec.max || (0 < current && current < spec.min) {
            let bound = if current > spec.max { spec.max } else { spec.min };
            return (bound, format!("outside {bound}"));
        }
        let proposals: Vec<Option<i32>> = (0..spec.metrics.len())
            .map(|ix| proposal(spec, ix, seen, timing, now))
            .collect();
        let most = proposals.iter().flatten().max().copied();
        let wanted = match most {
            Some(most) if most >= current || proposals.iter().all(Option::is_some) => most,
            _ => return (current, format!("held {current}")),
        };
        let (held, able) = self.hold(spec, current, wanted, now);
        let (limited, by) = self.bound(spec, current, held, now);
        let desired = if zeroed { limited.max(spec.min) } else { limited };
        (desired, format!("{wanted} {held} {able} {limited} {by} {desired}"))
    }

    fn hold(&mut self, spec: &HpaSpec, current: i32, wanted: i32, now: Timestamp) -> (i32, &'static str) {
        let within = |seconds: i32, edge: bool| {
            let of = self.recommended.iter().filter(move |(at, _)| {
                let age = now.duration_since(*at);
                let window = SignedDuration::from_secs(seconds.into());
                age < window || (edge && age == window)
            });
            of.map(|(_, replicas)| *replicas).chain([wanted])
        };
        let held = match &spec.behavior {
            None => within(spec.downscale_stabilisation, true).max().unwrap(),
            Some(Behavior { up, down }) => {
                let floor = within(up.window, false).min().unwrap();
                let ceiling = within(down.window, false).max().unwrap();
                current.max(floor).min(ceiling)
            }
        };
        self.recommended.push((now, wanted));
        let able = match &spec.behavior {
            _ if held == wanted => "ReadyForNewScale",
            Some(_) if wanted >= current => "ScaleUpStabilized",
            _ => "ScaleDownStabilized",
        };
        (held, able)
    }

    fn bound(&self, spec: &HpaSpec, current: i32, wanted: i32, now: Timestamp) -> (i32, &'static str) {
        let Some(behavior) = &spec.behavior else {
            let doubled = (2 * current).max(4);
            let (most, by) = if doubled < spec.max {
                (doubled, "ScaleUpLimit")
            } else {
                (spec.max, "TooManyReplicas")
            };
            return match wanted {
                _ if wanted < spec.min => (spec.min, "TooFewReplicas"),
                _ if wanted > most => (most, by),
                _ => (wanted, "DesiredWithinRange"),
            };
        };
        let at_start = |policy: &Policy| {
            let period = SignedDuration::from_secs(policy.period.into());
            let sum = |changes: &[(Timestamp, i32)]| {
                let recent = changes.iter().filter(|(at, _)| now.duration_since(*at) < period);
                recent.map(|(_, change)| *change).sum::<i32>()
            };
            current - sum(&self.added) + sum(&self.removed)
        };
        if wanted > current {
            let mut rates: Vec<i32> = behavior.up.policies.iter().map(|of| risen(at_start(of), of)).collect();
            rates.sort_unstable();
            let rate = chosen(&behavior.up, current, (rates.last(), rates.first())).max(current);
            if wanted > rate.min(spec.max) {
                let by = if rate < spec.max {
                    "ScaleUpLimit"
                } else {
                    "TooManyReplicas"
                };
                return (rate.min(spec.max), by);
            }
        }
        if wanted < current {
            let mut rates: Vec<i32> = behavior
                .down
                .policies
                .iter()
                .map(|of| fallen(at_start(of), of))
                .collect();
            rates.sort_unstable();
            let rate = chosen(&behavior.down, current, (rates.first(), rates.last())).min(current);
            if wanted < rate.max(spec.min) {
                let by = if rate > spec.min {
                    "ScaleDownLimit"
                } else {
                    "TooFewReplicas"
                };
                return (rate.max(spec.min), by);
            }
        }
        (wanted, "DesiredWithinRange")
    }
}

/// In place of the last change that is older than every period, where there is one.
fn remember(changes: &mut Vec<(Timestamp, i32)>, rules: &Rules, change: (Timestamp, i32)) {
    let longest = rules.policies.iter().map(|policy| policy.period).max().unwrap();
    let longest = SignedDuration::from_secs(longest.into());
    match changes
        .iter()
        .rposition(|(at, _)| change.0.duration_since(*at) > longest)
    {
        Some(ix) => changes[ix] = change,
        None => changes.push(change),
    }
}

fn chosen(rules: &Rules, current: i32, (largest, smallest): (Option<&i32>, Option<&i32>)) -> i32 {
    match rules.select {
        Select::Disabled => current,
        Select::Max => *largest.unwrap(),
        Select::Min => *smallest.unwrap(),
    }
}

fn risen(from: i32, policy: &Policy) -> i32 {
    match policy.kind {
        PolicyKind::Pods => from + policy.value,
        PolicyKind::Percent => (f64::from(from) * (1.0 + f64::from(policy.value) / 100.0)).ceil() as i32,
    }
}

fn fallen(from: i32, policy: &Policy) -> i32 {
    match policy.kind {
        PolicyKind::Pods => from - policy.value,
        PolicyKind::Percent => (f64::from(from) * (1.0 - f64::from(policy.value) / 100.0)) as i32,
    }
}

/// Whether a ratio is near enough to 1.
fn near(spec: &HpaSpec, ratio: f64) -> bool {
    if spec.version == HpaVersion::UpTo132 {
        return (1.0 - ratio).abs() <= spec.tolerance.up;
    }
    let own = spec.behavior.as_ref().filter(|_| spec.version == HpaVersion::From137);
    let down = own.and_then(|own| own.down.tolerance).unwrap_or(spec.tolerance.down);
    let up = own.and_then(|own| own.up.tolerance).unwrap_or(spec.tolerance.up);
    ratio >= 1.0 - down && ratio <= 1.0 + up
}

fn proposal(spec: &HpaSpec, ix: usize, seen: &Observation, timing: Timing, now: Timestamp) -> Option<i32> {
    match (spec.metrics[ix], &seen.readings[ix]) {
        (Metric::Object(target) | Metric::External(target), MetricReading::Values(values)) => {
            of_total(spec, target, values.iter().sum::<i64>() as f64, seen)
        }
        (Metric::Pods { target }, MetricReading::Pods { pods, strays }) => {
            let groups = Groups::of(pods, false, timing, now)?;
            groups.proposal(spec, AverageTarget::Value(target), strays, seen.spec_replicas)
        }
        (Metric::Resource { target, of_cpu }, MetricReading::Pods { pods, strays }) => {
            let groups = Groups::of(pods, of_cpu, timing, now)?;
            groups.proposal(spec, target, strays, seen.spec_replicas)
        }
        _ => None,
    }
}

fn of_total(spec: &HpaSpec, target: TotalTarget, usage: f64, seen: &Observation) -> Option<i32> {
    match target {
        TotalTarget::Value(target) => {
            let ratio = usage / target as f64;
            if seen.spec_replicas == 0 {
                return Some(ratio.ceil() as i32);
            }
            if near(spec, ratio) {
                return Some(seen.spec_replicas);
            }
            let is_ready = |pod: &&Pod| pod.ready.is_some_and(|ready| ready.ready == Some(true));
            let running = seen.pods.iter().filter(|pod| pod.phase == PodPhase::Running);
            let ready = running.filter(is_ready).count() as f64;
            (!seen.pods.is_empty()).then(|| (ratio * ready).ceil() as i32)
        }
        TotalTarget::AverageValue(target) => {
            let ratio = usage / (target as f64 * f64::from(seen.status_replicas));
            Some(if near(spec, ratio) {
                seen.status_replicas
            } else {
                (usage / target as f64).ceil() as i32
            })
        }
    }
}

/// Values and requests of pods.
#[derive(Default)]
struct Groups {
    ready: Vec<(i64, Option<i64>)>,
    missing: Vec<Option<i64>>,
    unready: Vec<Option<i64>>,
    /// Whether some pod, of any group, requests nothing.
    unasked: bool,
}

impl Groups {
    fn of(pods: &[Pod], of_cpu: bool, timing: Timing, now: Timestamp) -> Option<Self> {
        let mut groups = Self::default();
        for pod in pods {
            groups.unasked |= pod.request.is_none();
            let young = |started: Timestamp| started + timing.cpu_initialization > now;
            match pod.sample {
                _ if pod.deleting || pod.phase == PodPhase::Failed => {}
                _ if pod.phase == PodPhase::Pending => groups.unready.push(pod.request),
                None => groups.missing.push(pod.request),
                Some(sample) if of_cpu => {
                    let doubted = match (pod.started, pod.ready) {
                        (Some(started), Some(ready)) if young(started) => {
                            ready.ready == Some(false) || sample.at < ready.changed + sample.window
                        }
                        (Some(started), Some(ready)) => {
                            ready.ready == Some(false) && started + timing.initial_readiness > ready.changed
                        }
                        _ => true,
                    };
                    if doubted {
                        groups.unready.push(pod.request);
                    } else {
                        groups.ready.push((sample.value, pod.request));
                    }
                }
                Some(sample) => groups.ready.push((sample.value, pod.request)),
            }
        }
        (!pods.is_empty()).then_some(groups)
    }

    fn proposal(self, spec: &HpaSpec, target: AverageTarget, strays: &[i64], current: i32) -> Option<i32> {
        let utilisation = matches!(target, AverageTarget::Utilisation(_));
        let ready = self.ready.len();
        let mut values = self.ready;
        values.extend(strays.iter().map(|value| (*value, None)));
        if values.is_empty() || (utilisation && self.unasked) {
            return None;
        }
        let first = ratio(&values, target)?;
        let upwards = first > 1.0 && !self.unready.is_empty();
        if self.missing.is_empty() && !upwards {
            return Some(if near(spec, first) {
                current
            } else {
                (first * ready as f64).ceil() as i32
            });
        }
        if first.total_cmp(&1.0).is_ne() {
            let full = |request: Option<i64>| match target {
                AverageTarget::Value(target) => target,
                AverageTarget::Utilisation(percent) => request.unwrap() * i64::from(percent.max(100)) / 100,
            };
            let filled = |request: &Option<i64>| (if first < 1.0 { full(*request) } else { 0 }, *request);
            values.extend(self.missing.iter().map(filled));
        }
        if upwards {
            values.extend(self.unready.iter().map(|request| (0, *request)));
        }
        let second = ratio(&values, target)?;
        if near(spec, second) || (first - 1.0) * (second - 1.0) < 0.0 {
            return Some(current);
        }
        let wanted = (second * values.len() as f64).ceil() as i32;
        let astray = (second < 1.0 && wanted > current) || (second > 1.0 && wanted < current);
        Some(if astray { current } else { wanted })
    }
}

fn ratio(values: &[(i64, Option<i64>)], target: AverageTarget) -> Option<f64> {
    match target {
        AverageTarget::Value(target) => {
            let sum: i64 = values.iter().map(|(value, _)| value).sum();
            Some((sum / i64::try_from(values.len()).unwrap()) as f64 / target as f64)
        }
        AverageTarget::Utilisation(percent) => {
            let asked = values.iter().filter_map(|(value, request)| Some((*value, (*request)?)));
            let (used, requested) = asked.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
            let percents = (requested != 0).then(|| used * 100 / requested)?;
            Some(percents as f64 / f64::from(percent))
        }
    }
}
