use super::make::{Bounds, Plan};
use super::memory::CarbonMemory;
use super::reason::{Missing, Reason};
use super::seen::Seen;
use super::spec::PlanSpec;
use super::step::{Stage, Step};
use crate::rightsizing::hpa::{self, Replicas};
use crate::rightsizing::latency::Health;
use crate::rightsizing::signal::Signal;
use jiff::Timestamp;
use smallvec::SmallVec;

/// A plan in the making.
pub(super) struct Draft<'a> {
    spec: &'a PlanSpec,
    seen: &'a Seen<'a>,
    now: Timestamp,
    current: Replicas,
    /// How many there should be, as far as the steps have come.
    wish: Replicas,
    /// Whether metrics are missing, so that nothing may be lowered.
    held: bool,
    /// What was asked for apart from metrics.
    floor: Replicas,
    /// What may not be exceeded by steps that raise: the schedule's and power's ceilings. While metrics are missing it
    /// takes nothing away.
    hard: Replicas,
    /// What the carbon bound allows.
    green: Replicas,
    /// The ceilings together, as another autoscaler is told.
    ceiling: Replicas,
    steps: SmallVec<[Step; Stage::ALL.len()]>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(spec: &'a PlanSpec, seen: &'a Seen<'a>, now: Timestamp) -> Self {
        let current = seen.target.spec_replicas;
        Self {
            spec,
            seen,
            now,
            current,
            wish: current,
            held: false,
            floor: spec.hpa.min,
            hard: Replicas::MAX,
            green: Replicas::MAX,
            ceiling: spec.hpa.max,
            steps: SmallVec::new(),
        }
    }

    fn note(&mut self, stage: Stage, reason: Reason) {
        self.steps.push(Step {
            stage,
            replicas: self.wish,
            reason,
        });
    }

    /// Raises to so many, within what is hard.
    fn raise(&mut self, to: Replicas) {
        let to = to.min(self.hard);
        self.wish = self.wish.max(to);
        self.floor = self.floor.max(to);
    }

    /// A ceiling that is hard, unless metrics are missing: then it only keeps replicas from becoming more.
    fn cap(&mut self, most: Replicas) {
        self.ceiling = self.ceiling.min(most);
        let most = if self.held { most.max(self.current) } else { most };
        self.hard = self.hard.min(most);
        self.wish = self.wish.min(self.hard);
        self.floor = self.floor.min(self.hard);
    }

    pub(super) fn metrics(&mut self) {
        let metrics = &self.spec.hpa.metrics;
        if metrics.is_empty() {
            self.wish = self.spec.hpa.min;
            return self.note(Stage::Metrics, Reason::NoMetrics);
        }
        let target = self.seen.target;
        let presence = |ix: usize| self.seen.presence.get(ix).copied().unwrap_or_default();
        let readings = target.readings.iter().enumerate();
        let readings = readings.map(|(ix, reading)| (presence(ix) == Signal::Fresh(())).then_some(reading));
        let combined = hpa::combine(
            &self.spec.hpa,
            readings,
            &target.pods,
            (self.current, target.status_replicas),
            self.spec.timing,
            self.now,
        );
        if let (Some(replicas), Some(metric)) = (combined.replicas, combined.metric) {
            self.wish = replicas;
            return self.note(Stage::Metrics, Reason::Metric { metric });
        }
        let mut missing = Missing::default();
        for ix in 0..metrics.len() {
            match presence(ix) {
                Signal::Absent => missing.absent += 1,
                Signal::Stale(_) => missing.stale += 1,
                Signal::Fresh(()) if matches!(combined.each.get(ix), Some(Ok(_))) => {}
                Signal::Fresh(()) => missing.unusable += 1,
            }
        }
        self.held = true;
        self.note(Stage::Metrics, Reason::Held { missing });
    }

    pub(super) fn schedule(&mut self) {
        let found = self.spec.schedule.at(self.now, self.spec.hpa.min);
        let mut reason = Reason::NothingToSay;
        if let Some((factor, entry)) = found.factor.filter(|_| !self.held) {
            #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
            let more = (f64::from(self.wish) * factor).ceil() as Replicas;
            self.wish = self.wish.max(more);
            reason = Reason::Multiplied { factor, entry };
        }
        let floor = found.floor.map_or(Replicas::MIN, |(floor, _)| floor);
        if let Some((ceiling, entry)) = found.ceiling {
            let before = self.wish;
            self.cap(ceiling.max(floor));
            if self.wish < before {
                reason = Reason::Ceiling { ceiling, entry };
            }
        }
        if let Some((floor, entry)) = found.floor {
            let before = self.wish;
            self.raise(floor);
            if self.wish > before {
                reason = Reason::Floor { floor, entry };
            }
        }
        self.note(Stage::Schedule, reason);
    }

    pub(super) fn forecast(&mut self) {
        let before = self.wish;
        if let Some(expected) = self.seen.forecast {
            self.raise(expected);
        }
        let raised = self.wish > before;
        self.note(
            Stage::Forecast,
            if raised { Reason::Forecast } else { Reason::NothingToSay },
        );
    }

    pub(super) fn latency(&mut self, stepped: &mut Option<Timestamp>) -> Health {
        let Some(rule) = &self.spec.latency else {
            self.note(Stage::Latency, Reason::NothingToSay);
            return Health::Calm;
        };
        let health = rule.health(self.seen.latency, self.seen.queue_age);
        let reason = match health {
            Health::Calm => Reason::Calm,
            Health::Unknown | Health::Strained => {
                self.raise(self.current);
                Reason::Veto { health }
            }
            Health::Breached => match (rule.step(self.current, *stepped, self.now), *stepped) {
                (None, Some(last)) => {
                    self.raise(self.current);
                    Reason::StepPending { last }
                }
                (more, _) => {
                    self.raise(more.unwrap_or(self.current));
                    *stepped = Some(self.now);
                    Reason::SteppedUp
                }
            },
        };
        self.note(Stage::Latency, reason);
        health
    }

    /// Returns what there would be without the bound.
    pub(super) fn carbon(&mut self, health: Health, memory: &mut CarbonMemory) -> Replicas {
        let unbound = self.wish;
        let reason = match &self.spec.carbon {
            None => {
                *memory = CarbonMemory::default();
                Reason::NothingToSay
            }
            Some(rule) => {
                let outlook = self.seen.outlook;
                let dirty = rule.when.dirty(&outlook, self.now, memory.dirty);
                let awaited = dirty.is_none() && outlook.awaited && memory.dirty;
                memory.dirty = awaited || dirty == Some(true);
                if health != Health::Calm {
                    memory.yielded = Some(self.now);
                }
                let rests = |yielded: Timestamp| yielded.saturating_add(rule.rest).unwrap_or(Timestamp::MAX);
                let rests = memory
                    .yielded
                    .map(rests)
                    .filter(|until| health != Health::Calm || *until > self.now);
                let ceiling = rule.ceiling.replicas(self.spec.hpa.max);
                match (dirty, outlook.now.fresh(), rests) {
                    (None, _, Some(until)) if awaited => Reason::Yielded { health, until },
                    (None, ..) if awaited && self.held => Reason::NotLowered,
                    (None, ..) if awaited => Reason::IntensityAwaited {
                        ceiling: self.bound(ceiling.max(self.current)),
                    },
                    (None, ..) | (_, None, _) => Reason::IntensityUnknown,
                    (Some(false), Some(now), _) => Reason::Clean { now },
                    (_, _, Some(until)) => Reason::Yielded { health, until },
                    _ if self.held => Reason::NotLowered,
                    (Some(true), Some(now), None) => Reason::Dirty {
                        now,
                        ceiling: self.bound(ceiling),
                    },
                }
            }
        };
        self.note(Stage::Carbon, reason);
        unbound
    }

    /// Sets the carbon bound: never below what is asked for apart from metrics, for the schedule is the operator's word.
    fn bound(&mut self, ceiling: Replicas) -> Replicas {
        let ceiling = ceiling.max(self.floor);
        self.green = ceiling;
        self.wish = self.wish.min(ceiling);
        self.ceiling = self.ceiling.min(ceiling);
        ceiling
    }

    pub(super) fn power(&mut self) {
        let reason = match &self.spec.power {
            None => Reason::NothingToSay,
            Some(rule) => match rule.most(self.current, self.seen.replica_watts, self.seen.power_room) {
                None => Reason::PowerUnknown,
                Some(most) => {
                    self.cap(most);
                    Reason::PowerFor { most }
                }
            },
        };
        self.note(Stage::Power, reason);
    }

    pub(super) fn prewarm(&mut self, unbound: Replicas, dirty: bool) {
        let reason = match (&self.spec.prewarm, &self.spec.carbon) {
            (Some(rule), Some(carbon)) if dirty => match rule.window(carbon.when, &self.seen.outlook, self.now) {
                None => Reason::NoWindow,
                Some(at) => {
                    let wanted = unbound.max(rule.replicas.unwrap_or(unbound)).min(self.hard);
                    self.ceiling = self.ceiling.max(wanted);
                    self.green = self.green.max(wanted);
                    self.raise(wanted);
                    Reason::WindowAt { at }
                }
            },
            _ => Reason::NothingToSay,
        };
        self.note(Stage::Prewarm, reason);
    }

    pub(super) fn settle(&mut self, memory: &mut hpa::Memory) {
        if self.held && self.wish == self.current {
            return;
        }
        let (held, able) = hpa::stabilise(&self.spec.hpa, memory, (self.current, self.wish), self.now);
        // A higher recommendation of before keeps replicas, but it starts none that a bound forbids now.
        let most = self.hard.min(self.green).max(self.current);
        self.wish = held.min(most);
        self.note(Stage::Window, Reason::Window { able });
        let (limit, desired) = hpa::limited(&self.spec.hpa, memory, (self.current, self.wish), self.now);
        self.wish = desired;
        self.note(Stage::Limits, Reason::Limit { limited: limit.1 });
    }

    pub(super) fn done(self) -> Plan {
        let ceiling = self.ceiling.clamp(self.spec.hpa.min, self.spec.hpa.max);
        Plan {
            current: self.current,
            desired: self.wish,
            bounds: Bounds {
                floor: self.floor.clamp(self.spec.hpa.min, ceiling),
                ceiling,
            },
            steps: self.steps,
        }
    }
}
