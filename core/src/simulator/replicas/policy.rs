use super::levels::{Usual, schedule};
use super::series::StepSeries;
use super::service::Service;
use crate::quantity::Ratio;
use crate::rightsizing::hpa::{
    self, Behavior, HpaSpec, HpaVersion, Metric, MetricReading, Observation, Timing, Tolerance, TotalTarget,
};
use crate::rightsizing::plan::{PlanMemory, PlanSpec, Seen, plan};
use crate::rightsizing::{LatencyRule, Objective, Signal, StepSize};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// Who scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// The HorizontalPodAutoscaler as it comes, on the request rate.
    Hpa,
    /// A schedule made from the days before, and nothing else.
    Scheduled,
    /// Our plan without a schedule.
    Reactive,
    /// Our plan over a schedule made from the days before.
    Ours,
    /// Who knows the load beforehand.
    Oracle,
}

impl PolicyKind {
    /// Those that decide as they go.
    pub const DECIDING: [Self; 4] = [Self::Hpa, Self::Scheduled, Self::Reactive, Self::Ours];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hpa => "hpa",
            Self::Scheduled => "scheduled",
            Self::Reactive => "ours, reactive",
            Self::Ours => "ours, with schedule",
            Self::Oracle => "oracle",
        }
    }
}

/// A policy with its memory.
pub(super) enum Policy {
    Hpa(HpaSpec, hpa::Memory),
    Plan(Box<PlanSpec>, PlanMemory),
}

/// What a policy is set up with.
pub(super) struct Setup<'a> {
    pub(super) load: &'a StepSeries,
    /// Days that its schedule is made from.
    pub(super) days: usize,
    pub(super) service: &'a Service,
    /// The share of the capacity that a replica is to be used at.
    pub(super) target: f64,
    pub(super) cold_start: SignedDuration,
    /// More than anybody needs.
    pub(super) max: i32,
}

impl Setup<'_> {
    fn hpa(&self) -> HpaSpec {
        #[expect(clippy::cast_possible_truncation, reason = "thousandths of a request rate")]
        let target = (self.target * self.service.capacity * 1000.0).round() as i64;
        HpaSpec {
            min: 1,
            max: self.max,
            metrics: vec![Metric::External(TotalTarget::AverageValue(target.max(1)))],
            behavior: None,
            tolerance: Tolerance::default(),
            downscale_stabilisation: 300,
            version: HpaVersion::From137,
        }
    }

    /// No tolerance, and a queue that must not be older than a second.
    fn ours(&self) -> PlanSpec {
        let mut spec = PlanSpec::of(self.hpa());
        spec.hpa.behavior = Some(Behavior::filled(300));
        spec.hpa.tolerance = Tolerance { down: 0.0, up: 0.0 };
        spec.latency = Some(LatencyRule {
            latency: None,
            queue_age: Some(Objective {
                limit: SignedDuration::from_secs(1),
                calm: Ratio::ONE,
            }),
            step: StepSize::Percent(10),
            every: self.cold_start,
        });
        spec
    }

    pub(super) fn policy(&self, kind: PolicyKind) -> Policy {
        let made = |usual| {
            schedule(
                self.load,
                self.days,
                usual,
                (self.service, self.target, self.cold_start),
            )
        };
        let spec = match kind {
            PolicyKind::Hpa | PolicyKind::Oracle => return Policy::Hpa(self.hpa(), hpa::Memory::default()),
            PolicyKind::Reactive => self.ours(),
            PolicyKind::Ours => PlanSpec {
                schedule: made(Usual::Median),
                ..self.ours()
            },
            PolicyKind::Scheduled => {
                let mut spec = PlanSpec::of(HpaSpec {
                    metrics: Vec::new(),
                    ..self.hpa()
                });
                spec.schedule = made(Usual::Most);
                spec
            }
        };
        Policy::Plan(Box::new(spec), PlanMemory::default())
    }
}

impl Policy {
    /// How many replicas there should be, given how many there are, the request rate and the age of the queue.
    pub(super) fn decide(&mut self, current: i32, rate: f64, age: i64, now: Timestamp) -> i32 {
        #[expect(clippy::cast_possible_truncation, reason = "thousandths of a request rate")]
        let rate = (rate * 1000.0).round() as i64;
        let target = Observation {
            spec_replicas: current,
            status_replicas: current,
            pods: Vec::new(),
            readings: vec![MetricReading::Values(vec![rate])],
        };
        match self {
            Self::Hpa(spec, memory) => {
                let outcome = hpa::decide(spec, &target, Timing::default(), memory, now);
                let to = outcome.desired(current);
                if to != current {
                    memory.scaled(spec.behavior.as_ref(), (current, to), now);
                }
                to
            }
            Self::Plan(spec, memory) => {
                let presence = [Signal::Fresh(())];
                let seen = Seen {
                    queue_age: Signal::Fresh(SignedDuration::from_secs(age)),
                    ..Seen::of(&target, &presence)
                };
                let to = plan(spec, &seen, memory, now).desired;
                if to != current {
                    memory.scaled(spec, (current, to), now);
                }
                to
            }
        }
    }
}
