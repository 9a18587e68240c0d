use super::combine::MetricFailure;
use super::pods::{Group, Pod, Timing, group};
use super::spec::AverageTarget;
use super::tolerance::Tolerance;
use super::version::HpaVersion;
use super::{Milli, Replicas, ceil};
use jiff::Timestamp;

/// A metric that each pod has a sample of: of the resources that it requests, or a metric of its own.
#[derive(Debug)]
pub struct Average<'a> {
    /// The pods of the target.
    pub pods: &'a [Pod],
    /// Samples of pods that the metrics API counts to the target and the controller does not know (yet, or any more).
    pub strays: &'a [Milli],
    /// What the average should be.
    pub target: AverageTarget,
    /// Whether it is CPU, whose samples of young pods are doubted.
    pub of_cpu: bool,
}

/// What one metric asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proposed {
    pub(super) replicas: Replicas,
    /// The average, or the value; `None` where it cannot be said (no replicas to divide by).
    pub(super) value: Option<Milli>,
    /// Per cent of the request.
    pub(super) utilisation: Option<i32>,
}

/// Sums of the samples that count.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    usage: i128,
    request: i128,
    entries: i64,
    /// Of these entries, how many are pods of the target.
    known: i64,
}

impl Sums {
    fn add(&mut self, value: Milli, request: Milli) {
        self.usage += i128::from(value);
        self.request += i128::from(request);
        self.entries += 1;
        self.known += 1;
    }

    /// A stray counts among values, but no request stands against it.
    fn add_stray(&mut self, value: Milli) {
        self.usage += i128::from(value);
        self.entries += 1;
    }

    fn add_all(&mut self, more: Self) {
        self.usage += more.usage;
        self.request += more.request;
        self.entries += more.entries;
        self.known += more.known;
    }

    /// The same entries, each with a value of 0.
    fn unused(self) -> Self {
        Self { usage: 0, ..self }
    }

    /// Ratio of usage to target, utilisation, average.
    fn ratio(&self, target: AverageTarget) -> Result<(f64, Option<i32>, Milli), MetricFailure> {
        let average = |entries: i64| saturate(self.usage / i128::from(entries.max(1)));
        match target {
            AverageTarget::Utilisation(percent) => {
                if self.request == 0 {
                    return Err(MetricFailure::NothingRequested);
                }
                // Cut to whole per cent before the comparison with the target, as the controller does.
                let used = i32::try_from(self.usage * 100 / self.request).unwrap_or(i32::MAX);
                Ok((f64::from(used) / f64::from(percent), Some(used), average(self.known)))
            }
            AverageTarget::Value(target) => {
                let average = average(self.entries);
                Ok((average as f64 / target as f64, None, average))
            }
        }
    }
}

fn saturate(wide: i128) -> Milli {
    Milli::try_from(wide).unwrap_or(if wide > 0 { Milli::MAX } else { Milli::MIN })
}

/// The pods of a metric by how they count, in one pass over them.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    ready: Sums,
    missing: Sums,
    unready: Sums,
    /// Whether a pod requests none of the resource.
    unasked: bool,
}

impl Average<'_> {
    pub(super) fn propose(
        &self,
        current: Replicas,
        (tolerance, version): (Tolerance, HpaVersion),
        timing: Timing,
        now: Timestamp,
    ) -> Result<Proposed, MetricFailure> {
        if self.pods.is_empty() {
            return Err(MetricFailure::NoPods);
        }
        let counted = self.count(timing, now);
        let (mut sums, ready) = (counted.ready, counted.ready.entries);
        let by_request = matches!(self.target, AverageTarget::Utilisation(_));
        if ready == 0 && self.strays.is_empty() {
            return Err(MetricFailure::NoSamples);
        }
        if by_request && counted.unasked {
            return Err(MetricFailure::NoRequest);
        }
        if !by_request {
            self.strays.iter().for_each(|value| sums.add_stray(*value));
        }
        let (ratio, utilisation, average) = sums.ratio(self.target)?;
        let proposed = |replicas| Proposed {
            replicas,
            value: Some(average),
            utilisation,
        };
        let unready = counted.unready.entries > 0 && ratio > 1.0;
        if !unready && counted.missing.entries == 0 {
            let within = tolerance.holds(ratio, version);
            return Ok(proposed(if within { current } else { ceil(ratio * ready as f64) }));
        }
        // What speaks most against the change stands in for pods without a sample: full use on the way down, none on the
        // way up. At a ratio of exactly 1 nothing is filled in.
        if ratio < 1.0 {
            sums.add_all(counted.missing);
        } else if ratio > 1.0 {
            sums.add_all(counted.missing.unused());
        }
        if unready {
            sums.add_all(counted.unready.unused());
        }
        let (filled, ..) = sums.ratio(self.target)?;
        let turned = (ratio < 1.0 && filled > 1.0) || (ratio > 1.0 && filled < 1.0);
        if tolerance.holds(filled, version) || turned {
            return Ok(proposed(current));
        }
        // In the controller a stray is one of the metrics that are counted here, whatever the target.
        let strays = if by_request { self.strays.len() as f64 } else { 0.0 };
        let replicas = ceil(filled * (sums.entries as f64 + strays));
        let against = (filled < 1.0 && replicas > current) || (filled > 1.0 && replicas < current);
        Ok(proposed(if against { current } else { replicas }))
    }

    /// Counts what is missing as fully used.
    fn count(&self, timing: Timing, now: Timestamp) -> Counted {
        let mut counted = Counted::default();
        for pod in self.pods {
            let request = pod.request.unwrap_or(0);
            counted.unasked |= pod.request.is_none();
            match group(pod, self.of_cpu, timing, now) {
                Group::Ready(sample) => counted.ready.add(sample.value, request),
                Group::Missing => counted.missing.add(self.full(request), request),
                Group::Unready => counted.unready.add(0, request),
                Group::Ignored => {}
            }
        }
        counted
    }

    /// The value of a pod that is used as much as it should be, or as much as it requests where that is more.
    fn full(&self, request: Milli) -> Milli {
        match self.target {
            AverageTarget::Utilisation(percent) => saturate(i128::from(request) * i128::from(percent.max(100)) / 100),
            AverageTarget::Value(target) => target,
        }
    }
}
