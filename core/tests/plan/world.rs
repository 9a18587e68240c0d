//! Specs and observations for the tests of the plan, its worked example and its benchmark.

#![allow(dead_code, reason = "each of them uses a part")]

use heliotrope_core::quantity::{GramsPerKwh, Ratio, Watts};
use heliotrope_core::rightsizing::hpa::{
    Behavior, HpaSpec, HpaVersion, Metric, MetricReading, Observation, Replicas, Tolerance, TotalTarget,
};
use heliotrope_core::rightsizing::plan::{Plan, PlanMemory, PlanSpec, Seen, plan};
use heliotrope_core::rightsizing::{
    CarbonRule, Ceiling, LatencyRule, Objective, Outlook, PowerRule, PrewarmRule, Signal, StepSize, Trigger,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

pub(crate) fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    START + secs(seconds)
}

pub(crate) fn grams(value: f64) -> GramsPerKwh {
    GramsPerKwh::new(value).unwrap()
}

pub(crate) fn ratio(value: f64) -> Ratio {
    Ratio::new(value).unwrap()
}

pub(crate) fn watts(value: f64) -> Watts {
    Watts::new(value).unwrap()
}

/// 1 to 20 replicas, ten of load each.
pub(crate) fn hpa() -> HpaSpec {
    HpaSpec {
        min: 1,
        max: 20,
        metrics: vec![Metric::External(TotalTarget::AverageValue(10_000))],
        behavior: Some(Behavior::filled(300)),
        tolerance: Tolerance::default(),
        downscale_stabilisation: 300,
        version: HpaVersion::From137,
    }
}

/// No windows and no rates, so that a single plan shows what the steps before them wish.
pub(crate) fn unhurried() -> PlanSpec {
    let mut hpa = hpa();
    if let Some(behavior) = &mut hpa.behavior {
        behavior.down.window = 0;
        for rules in [&mut behavior.up, &mut behavior.down] {
            for policy in &mut rules.policies {
                policy.value = 1000;
            }
        }
    }
    PlanSpec::of(hpa)
}

/// 500 ms of latency and 30 s in the queue; calm below 80 %.
pub(crate) fn latency() -> LatencyRule {
    let objective = |limit| Objective {
        limit,
        calm: ratio(0.8),
    };
    LatencyRule {
        latency: Some(objective(SignedDuration::from_millis(500))),
        queue_age: Some(objective(secs(30))),
        step: StepSize::Percent(20),
        every: secs(60),
    }
}

/// Five replicas from 400 g/kWh until it is below 300.
pub(crate) fn carbon() -> CarbonRule {
    CarbonRule {
        when: Trigger::Above {
            enter: grams(400.0),
            leave: grams(300.0),
        },
        ceiling: Ceiling::Replicas(5),
        rest: secs(600),
    }
}

pub(crate) fn power() -> PowerRule {
    PowerRule {
        per_replica: watts(400.0),
        budget: None,
    }
}

pub(crate) fn prewarm() -> PrewarmRule {
    PrewarmRule {
        lead: secs(300),
        replicas: None,
    }
}

/// What is seen, in a form that is easy to vary.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) current: Replicas,
    pub(crate) load: Signal<i64>,
    pub(crate) latency: Signal<SignedDuration>,
    pub(crate) queue_age: Signal<SignedDuration>,
    pub(crate) intensity: Signal<GramsPerKwh>,
    pub(crate) ahead: Vec<(Timestamp, GramsPerKwh)>,
    pub(crate) room: Signal<Watts>,
    pub(crate) forecast: Option<Replicas>,
    pub(crate) awaited: bool,
}

impl Given {
    /// All well: this load, no wait, a clean grid.
    pub(crate) fn load(current: Replicas, load: i64) -> Self {
        Self {
            current,
            load: Signal::Fresh(load),
            latency: Signal::Fresh(SignedDuration::from_millis(100)),
            queue_age: Signal::Fresh(SignedDuration::ZERO),
            intensity: Signal::Fresh(grams(100.0)),
            ahead: Vec::new(),
            room: Signal::Absent,
            forecast: None,
            awaited: false,
        }
    }

    pub(crate) fn plan(&self, spec: &PlanSpec, memory: &mut PlanMemory, now: Timestamp) -> Plan {
        let (reading, presence) = match self.load {
            Signal::Fresh(load) => (MetricReading::Values(vec![load * 1000]), Signal::Fresh(())),
            // What a stale answer said is still there. Nobody may look at it.
            Signal::Stale(age) => (MetricReading::Values(vec![0]), Signal::Stale(age)),
            Signal::Absent => (MetricReading::Failed, Signal::Absent),
        };
        let target = Observation {
            spec_replicas: self.current,
            status_replicas: self.current,
            pods: Vec::new(),
            readings: vec![reading],
        };
        let presence = [presence];
        let seen = Seen {
            latency: self.latency,
            queue_age: self.queue_age,
            outlook: Outlook {
                now: self.intensity,
                ahead: &self.ahead,
                until: self.ahead.last().map_or(now, |(last, _)| *last + secs(1800)),
                awaited: self.awaited,
            },
            power_room: self.room,
            forecast: self.forecast,
            ..Seen::of(&target, &presence)
        };
        plan(spec, &seen, memory, now)
    }
}
