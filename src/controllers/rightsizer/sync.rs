//! One look at one Rightsizer.

use super::bound;
use super::dereference::Found;
use super::memory::{Known, restored, settled};
use super::rivals::{self, Claim, Rival};
use super::round::Rightsizers;
use super::status::{Difference, Said, conditions, difference};
use super::surroundings;
use crate::controllers::lease::Term;
use crate::crds::{BoundedStatus, MemoryStatus, PAUSED, Rightsizer, RightsizerStatus, StepStatus, Wanted};
use crate::load;
use heliotrope_core::rightsizing::Outlook;
use heliotrope_core::rightsizing::hpa::Limit;
use heliotrope_core::rightsizing::plan::{self, Mode, Plan, PlanMemory, Reason, Seen, Stage};
use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use std::time::Duration;
use tokio::time::Instant;

/// A status that differs in words and times alone is written this often at most.
const WORDS: Duration = Duration::from_secs(60);
/// Problems of a spec that a condition tells.
const MAX_PROBLEMS: usize = 5;

/// A plan and all that is to be told of it.
pub(super) struct Planned<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) found: Found,
    pub(super) plan: Plan,
    pub(super) memory: PlanMemory,
    problems: Vec<load::Problem>,
    pub(super) now: Timestamp,
    namespace: String,
}

impl Rightsizers {
    /// Looks at one; what became of it.
    pub(super) async fn sync(&self, one: &Rightsizer, claims: &[Claim], term: &Term) -> &'static str {
        let now = (self.clock)();
        if one.meta().deletion_timestamp.is_some() {
            return self.let_go(one, term).await;
        }
        let wanted = match one.wanted() {
            Ok(wanted) => wanted,
            Err(problems) => {
                let told = problems.iter().take(MAX_PROBLEMS).map(ToString::to_string);
                let message = told.collect::<Vec<_>>().join("; ");
                return self.refuse(one, ("InvalidSpec", message), now, term).await;
            }
        };
        match self.plan(one, &wanted, claims, now).await {
            Err((reason, message)) => self.refuse(one, (reason, message), now, term).await,
            Ok(planned) => Box::pin(self.act(one, planned, term)).await,
        }
    }

    /// Reads everything and makes the plan.
    async fn plan<'a>(
        &self,
        one: &Rightsizer,
        wanted: &'a Wanted,
        claims: &[Claim],
        now: Timestamp,
    ) -> Result<Planned<'a>, (&'static str, String)> {
        let namespace = one.namespace().unwrap_or_default();
        let mine = Claim::of(one).ok_or(("InvalidSpec", "it stands in no namespace".to_owned()))?;
        let found = self.dereference((&namespace, &wanted.target), (&mine, claims)).await;
        let found = found.map_err(|error| {
            tracing::debug!(%error, namespace, name = one.name_any(), "target not read");
            ("FailedGetScale", format!("spec.scaleTargetRef: {error}"))
        })?;
        let read = self
            .observe((&namespace, &found.target, &found.pods), wanted, now)
            .await;
        let around = surroundings::look(&self.world.snapshot(), wanted.zone.as_ref(), &found.pods, now);
        let seen = Seen {
            target: &read.observation,
            presence: &read.observed.presence,
            latency: read.observed.latency,
            queue_age: read.observed.queue_age,
            outlook: Outlook {
                now: around.now,
                ahead: &around.ahead,
                until: around.until,
            },
            replica_watts: around.replica_watts,
            power_room: around.power_room,
            forecast: None,
        };
        let mut memory = self.remembered(one, found.target.replicas, now);
        let plan = plan::plan(&wanted.plan, &seen, &mut memory, now);
        Ok(Planned {
            wanted,
            found,
            plan,
            memory,
            problems: read.observed.problems,
            now,
            namespace,
        })
    }

    fn remembered(&self, one: &Rightsizer, replicas: i32, now: Timestamp) -> PlanMemory {
        let status = one.status.clone().unwrap_or_default();
        let known = one.uid().and_then(|uid| self.memories.find(&uid));
        let memory = known.map_or_else(|| restored(&status, now), |known| known.memory);
        settled(memory, &status, replicas)
    }

    pub(super) fn remember(&self, one: &Rightsizer, memory: PlanMemory, wrote: bool) {
        let Some(uid) = one.uid() else { return };
        let before = self.memories.find(&uid).map(|known| known.written);
        let written = if wrote {
            Instant::now()
        } else {
            before.unwrap_or_else(Instant::now)
        };
        self.memories.put(&uid, Known { memory, written });
    }

    /// Does what the mode allows.
    async fn act(&self, one: &Rightsizer, planned: Planned<'_>, term: &Term) -> &'static str {
        let paused = one.annotations().get(PAUSED).is_some_and(|value| value == "true");
        let status = one.status.clone().unwrap_or_default();
        // Bounds that were set in another mode are given back first.
        if let Some(bounded) = status
            .bounded
            .as_ref()
            .filter(|_| planned.wanted.mode != Mode::Bound && !paused)
        {
            return self.unbind(one, bounded.clone(), term).await;
        }
        let (rival, another) = match (planned.wanted.mode, &planned.found.autoscaler) {
            (Mode::Recommend, _) => (None, false),
            (_, _) if planned.found.older.is_some() => (planned.found.older.clone(), true),
            (_, Err(several)) => (Some(several.clone()), true),
            (Mode::Apply, Ok(Some(other))) => (Some(Rival::Autoscaler(other.kind, other.name.clone())), true),
            (Mode::Apply, Ok(None)) => {
                let last = status.last_scale_time;
                (rivals::writer(&planned.found.target.owners, last, planned.now), false)
            }
            (Mode::Bound, Ok(other)) => {
                let writer = |other| bound::writer(other, status.bounded.as_ref(), planned.now);
                (other.as_ref().and_then(writer), other.is_some())
            }
        };
        let action = planned.plan.action(planned.wanted.mode, another);
        let able = match (planned.wanted.mode, paused, &rival) {
            (Mode::Recommend, ..) => Said::new(
                "AbleToScale",
                false,
                "Recommending",
                "mode recommend: nothing is written but this status",
            ),
            (_, true, _) => Said::new(
                "AbleToScale",
                false,
                "Paused",
                format!("nothing is written but this status: annotation {PAUSED}"),
            ),
            (mode, false, Some(rival)) => {
                let field = if mode == Mode::Bound {
                    "its bounds"
                } else {
                    "spec.replicas"
                };
                Said::new("AbleToScale", false, rival.reason(), rival.message(field))
            }
            (_, false, None) => match action {
                plan::Action::Refused(refusal) => {
                    Said::new("AbleToScale", false, "NoAutoscaler", refusal.to_string())
                }
                _ => Said::new("AbleToScale", true, "ReadyForNewScale", "nobody else sets the number"),
            },
        };
        match action {
            plan::Action::Scale { from, to } if able.holds => self.rescale(one, planned, (from, to), term).await,
            plan::Action::Bound { .. } if able.holds => self.bind(one, planned, term).await,
            _ => self.tell(one, planned, able, term).await,
        }
    }

    /// Writes the status of a plan that changes nothing.
    async fn tell(&self, one: &Rightsizer, planned: Planned<'_>, able: Said, term: &Term) -> &'static str {
        let before = one.status.clone().unwrap_or_default();
        let refused = !able.holds && !matches!(able.reason, "Recommending" | "Paused");
        let new = !before
            .conditions
            .iter()
            .any(|was| was.type_ == able.kind && was.reason == able.reason);
        let note = able.message.clone();
        let outcome = if refused { "refused" } else { "kept" };
        let status = planned.status(&before, able, one);
        let wrote = self.write_if_different(one, status, term).await;
        self.remember(one, planned.memory, matches!(wrote, Ok(true)));
        if refused && new && wrote.is_ok() {
            self.notes.tell(one, (true, "RescaleRefused"), &note, planned.now).await;
        }
        wrote.map_or_else(|failed| failed, |_| outcome)
    }

    /// Tells that no plan can be made. What is remembered stays.
    async fn refuse(
        &self,
        one: &Rightsizer,
        (reason, message): (&'static str, String),
        now: Timestamp,
        term: &Term,
    ) -> &'static str {
        let before = one.status.clone().unwrap_or_default();
        let said = vec![
            Said::new("Ready", false, reason, message.clone()),
            Said::new("AbleToScale", false, reason, message),
        ];
        let status = RightsizerStatus {
            observed_generation: one.meta().generation,
            conditions: conditions(&before.conditions, said, one.meta().generation, now),
            steps: Vec::new(),
            ..before
        };
        match self.write_if_different(one, status, term).await {
            Ok(_) if reason == "InvalidSpec" => "invalid",
            Ok(_) => "unknown-target",
            Err(failed) => failed,
        }
    }

    /// Writes a status where it says something new; whether it was written.
    pub(super) async fn write_if_different(
        &self,
        one: &Rightsizer,
        status: RightsizerStatus,
        term: &Term,
    ) -> Result<bool, &'static str> {
        let before = one.status.clone().unwrap_or_default();
        let known = one.uid().and_then(|uid| self.memories.find(&uid));
        let long_ago = known.is_none_or(|known| known.written.elapsed() >= WORDS);
        match difference(&before, &status) {
            Difference::None => return Ok(false),
            Difference::Words if !long_ago => return Ok(false),
            Difference::Words | Difference::Matter => {}
        }
        if !term.holds() {
            return Err("deposed");
        }
        self.write_status(one, status).await.map(|_| true)
    }
}

impl Planned<'_> {
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The status of this plan on top of the one before.
    pub(super) fn status(&self, before: &RightsizerStatus, able: Said, one: &Rightsizer) -> RightsizerStatus {
        let generation = one.meta().generation;
        let able_holds = able.holds;
        let mut said = vec![Self::ready(&able), able, self.active(), self.limited()];
        if self.wanted.mode == Mode::Bound || before.bounded.is_some() {
            said.push(self.bounded(before.bounded.as_ref(), able_holds));
        }
        RightsizerStatus {
            observed_generation: generation,
            conditions: conditions(&before.conditions, said, generation, self.now),
            current_replicas: Some(self.plan.current),
            desired_replicas: Some(self.plan.desired),
            floor: Some(self.plan.bounds.floor),
            ceiling: Some(self.plan.bounds.ceiling),
            steps: self.plan.steps.iter().map(StepStatus::from).collect(),
            memory: Some(MemoryStatus::from(&self.memory)),
            last_scale_time: before.last_scale_time,
            scaling: None,
            bounded: before.bounded.clone(),
        }
    }

    /// Whether the other autoscaler has its bounds from this plan: it does, or it is about to.
    fn bounded(&self, bounded: Option<&BoundedStatus>, about_to: bool) -> Said {
        let no = |message: &str| Said::new("Bounded", false, "BoundsNotSet", message);
        let Some(bounded) = bounded else {
            return no("no autoscaler has its bounds from this plan");
        };
        let found = self.found.autoscaler.as_ref().ok().and_then(Option::as_ref);
        let (kind, name) = (&bounded.kind, &bounded.name);
        match found {
            Some(found) if !about_to && !bound::is_set(bounded, found) => no(&format!(
                "{kind} {name} does not have the bounds of this plan: AbleToScale says why"
            )),
            Some(found) if found.paused => Said::new(
                "Bounded",
                true,
                "AutoscalerPaused",
                format!(
                    "{kind} {name} has its bounds from this plan, and is paused by its annotation: nothing follows them"
                ),
            ),
            _ => Said::new(
                "Bounded",
                true,
                "BoundsSet",
                format!("{kind} {name} has its bounds from this plan"),
            ),
        }
    }

    fn ready(able: &Said) -> Said {
        if able.holds || matches!(able.reason, "Recommending" | "Paused") {
            return Said::new(
                "Ready",
                true,
                "Planned",
                "the plan is made and carried out as far as the mode allows",
            );
        }
        Said::new("Ready", false, able.reason, able.message.clone())
    }

    fn active(&self) -> Said {
        let told = || {
            let told = self.problems.iter().take(MAX_PROBLEMS);
            told.map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let step = self.plan.step(Stage::Metrics).map(|step| step.reason);
        match step {
            Some(Reason::Disabled) => {
                Said::new("ScalingActive", false, "ScalingDisabled", Reason::Disabled.to_string())
            }
            Some(Reason::Held { .. }) => Said::new("ScalingActive", false, "FailedGetMetrics", told()),
            _ if self.problems.is_empty() => Said::new("ScalingActive", true, "ValidMetricFound", "metrics are read"),
            _ => Said::new("ScalingActive", true, "PartOfMetricsFound", told()),
        }
    }

    fn limited(&self) -> Said {
        let last = self.plan.steps.iter().rev().find(|step| step.stage == Stage::Limits);
        let reason = last.map(|step| step.reason);
        let (holds, why) = match reason {
            Some(Reason::Limit { limited }) => match limited {
                Limit::DesiredWithinRange => (false, "DesiredWithinRange"),
                Limit::TooManyReplicas => (true, "TooManyReplicas"),
                Limit::TooFewReplicas => (true, "TooFewReplicas"),
                Limit::ScaleUpLimit => (true, "ScaleUpLimit"),
                Limit::ScaleDownLimit => (true, "ScaleDownLimit"),
            },
            Some(Reason::AboveMax) => (true, "TooManyReplicas"),
            Some(Reason::BelowMin) => (true, "TooFewReplicas"),
            _ => (false, "DesiredWithinRange"),
        };
        Said::new(
            "ScalingLimited",
            holds,
            why,
            reason.map(|reason| reason.to_string()).unwrap_or_default(),
        )
    }
}
