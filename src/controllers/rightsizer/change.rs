//! What is written besides a status, and in which order, so that a process may die at any point.

use super::apply::Wrote;
use super::bound;
use super::memory::without;
use super::round::Rightsizers;
use super::status::{Said, conditions};
use super::sync::Planned;
use crate::controllers::lease::Term;
use crate::crds::{BoundedStatus, MemoryStatus, Rightsizer, RightsizerStatus, ScalingStatus};
use heliotrope_core::rightsizing::hpa::Replicas;
use kube::ResourceExt;

fn failed(wrote: Wrote, reason: &'static str) -> Said {
    let message = match wrote {
        Wrote::Raced => "the object changed meanwhile: it is tried again at the next look",
        Wrote::MayNot => {
            "the controller may not write it: allow it with a ClusterRole, as deploy/kustomize/rightsizer does"
        }
        Wrote::Refused => "the API server refused it",
        Wrote::Done | Wrote::Unknown => "no answer came: the next look finds out what became of it",
    };
    Said::new("AbleToScale", false, reason, message)
}

/// The status of a change that is about to be made.
fn begun(
    planned: &Planned<'_>,
    before: &RightsizerStatus,
    scaling: ScalingStatus,
    one: &Rightsizer,
) -> RightsizerStatus {
    let message = format!("from {} to {}", scaling.from, scaling.to);
    let able = Said::new("AbleToScale", true, "SucceededRescale", message);
    RightsizerStatus {
        last_scale_time: Some(scaling.at),
        scaling: Some(scaling),
        ..planned.status(before, able, one)
    }
}

/// What is told of bounds that were set.
fn note(bounded: &BoundedStatus) -> String {
    let told = |bound: Option<i32>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
    let (least, most) = (told(bounded.set.min), told(bounded.set.max));
    format!("{} {}: minimum {least}, maximum {most}", bounded.kind, bounded.name)
}

impl Rightsizers {
    /// Changes the replicas: the change is written into the status, made, and confirmed. Whoever finds one that is not confirmed sees
    /// by the replicas whether it was made.
    pub(super) async fn rescale(
        &self,
        one: &Rightsizer,
        mut planned: Planned<'_>,
        (from, to): (Replicas, Replicas),
        term: &Term,
    ) -> &'static str {
        let before = one.status.clone().unwrap_or_default();
        let mut intended = planned.memory.clone();
        intended.scaled(&planned.wanted.plan, (from, to), planned.now);
        let scaling = ScalingStatus {
            at: planned.now,
            from,
            to,
        };
        let begun = RightsizerStatus {
            memory: Some(MemoryStatus::from(&intended)),
            ..begun(&planned, &before, scaling, one)
        };
        if !term.holds() {
            return "deposed";
        }
        let written = match self.write_status(one, begun.clone()).await {
            Ok(written) => written,
            Err(failed) => return failed,
        };
        let Some(wrote) = self.make(&planned, (from, to), term).await else {
            return "deposed";
        };
        let confirmed = match wrote {
            Wrote::Done => RightsizerStatus {
                current_replicas: Some(to),
                scaling: None,
                ..begun
            },
            // Begun it stays, until the replicas tell. A conflict may be with our own first try, whose answer was lost: the
            // client tries again by itself.
            Wrote::Unknown | Wrote::Raced => {
                self.remember(one, intended, true);
                return if wrote == Wrote::Raced { "raced" } else { "unknown" };
            }
            wrote => {
                planned.memory = without(planned.memory, &scaling);
                RightsizerStatus {
                    last_scale_time: before.last_scale_time,
                    ..planned.status(&before, failed(wrote, "FailedUpdateScale"), one)
                }
            }
        };
        // What is not confirmed now is settled at the next look.
        let told = self.write_status(&written, confirmed).await;
        if wrote != Wrote::Done {
            self.remember(one, planned.memory, told.is_ok());
            return "failed";
        }
        self.remember(one, intended, true);
        let why = planned.plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>();
        let note = format!("from {from} to {to} replicas; {}", why.join("; "));
        self.notes.tell(one, (false, "Rescaled"), &note, planned.now).await;
        "scaled"
    }

    /// Sets the replicas, the order of those that go before that; nothing where the term is over.
    async fn make(&self, planned: &Planned<'_>, (from, to): (Replicas, Replicas), term: &Term) -> Option<Wrote> {
        if let Some(min_per_zone) = planned.wanted.min_per_zone.filter(|_| to < from) {
            self.rank(planned.namespace(), &planned.found.pods, min_per_zone, term)
                .await;
        }
        if !term.holds() {
            return None;
        }
        let name = &planned.wanted.target.name;
        let wrote = self.scale(planned.namespace(), name, &planned.found.target, to).await;
        self.metrics.rightsizer_wrote(match wrote {
            Wrote::Done => "scale-done",
            Wrote::Raced => "scale-raced",
            Wrote::MayNot => "scale-forbidden",
            Wrote::Refused => "scale-refused",
            Wrote::Unknown => "scale-unknown",
        });
        Some(wrote)
    }

    /// Sets the bounds of the other autoscaler. What it had is written down first.
    pub(super) async fn bind(&self, one: &Rightsizer, planned: Planned<'_>, term: &Term) -> &'static str {
        let before = one.status.clone().unwrap_or_default();
        let ready = || Said::new("AbleToScale", true, "ReadyForNewScale", "nobody else sets the bounds");
        let Ok(Some(autoscaler)) = &planned.found.autoscaler else {
            return "kept";
        };
        let Some(next) = bound::next(before.bounded.as_ref(), autoscaler, planned.plan.bounds) else {
            let status = planned.status(&before, ready(), one);
            let wrote = self.write_if_different(one, status, term).await;
            self.remember(one, planned.memory, matches!(wrote, Ok(true)));
            return wrote.map_or_else(|failed| failed, |_| "kept");
        };
        // An autoscaler that was bounded before and is not this one gets its own back first.
        let other = |old: &&BoundedStatus| old.kind != next.kind || old.name != next.name;
        if let Some(old) = before.bounded.as_ref().filter(other) {
            return self.unbind(one, old.clone(), term).await;
        }
        if !term.holds() {
            return "deposed";
        }
        let held = match self.hold(one, true).await {
            Ok(held) => held,
            Err(failed) => return failed,
        };
        let begun = before.bounded.as_ref() == Some(&next);
        let bounded = RightsizerStatus {
            bounded: Some(next.clone()),
            ..before
        };
        let mut written = held;
        // What stands there already has been tried before, in vain.
        if !begun {
            let status = planned.status(&bounded, ready(), one);
            written = match self.write_status(&written, status).await {
                Ok(written) => written,
                Err(failed) => return failed,
            };
            self.remember(one, planned.memory.clone(), true);
        }
        if !term.holds() {
            return "deposed";
        }
        let wrote = self.set_bounds(planned.namespace(), autoscaler, &next.set).await;
        match wrote {
            Wrote::Done => {}
            Wrote::Raced => return "raced",
            wrote => {
                let status = planned.status(&bounded, failed(wrote, "FailedUpdateBounds"), one);
                let told = self.write_if_different(&written, status, term).await;
                self.remember(one, planned.memory, matches!(told, Ok(true)));
                return "failed";
            }
        }
        self.notes
            .tell(one, (false, "BoundsSet"), &note(&next), planned.now)
            .await;
        "bounded"
    }

    /// Gives an autoscaler its own bounds back, and lets the Rightsizer go that was held for it.
    pub(super) async fn unbind(&self, one: &Rightsizer, bounded: BoundedStatus, term: &Term) -> &'static str {
        let namespace = one.namespace().unwrap_or_default();
        let Ok(all) = self.scaling.autoscalers(&namespace).await else {
            return "failed";
        };
        if !term.holds() {
            return "deposed";
        }
        match self.restore(&namespace, &bounded, &all).await {
            Wrote::Done => {}
            Wrote::Raced => return "raced",
            wrote => return self.keep_bound(one, wrote, term).await,
        }
        let status = RightsizerStatus {
            bounded: None,
            ..one.status.clone().unwrap_or_default()
        };
        let freed = match self.write_status(one, status).await {
            Ok(written) => self.hold(&written, false).await,
            Err(failed) => Err(failed),
        };
        if freed.is_ok() {
            let note = format!("{} {} has its own bounds again", bounded.kind, bounded.name);
            self.notes
                .tell(one, (false, "BoundsRestored"), &note, (self.clock)())
                .await;
        }
        freed.map_or_else(|failed| failed, |_| "restored")
    }

    /// Tells why an autoscaler does not have its own bounds back, since that may be what a deleted Rightsizer waits for.
    async fn keep_bound(&self, one: &Rightsizer, wrote: Wrote, term: &Term) -> &'static str {
        let before = one.status.clone().unwrap_or_default();
        let able = failed(wrote, "FailedRestoreBounds");
        let ready = Said::new("Ready", false, able.reason, able.message.clone());
        let generation = one.metadata.generation;
        let status = RightsizerStatus {
            conditions: conditions(&before.conditions, vec![ready, able], generation, (self.clock)()),
            ..before
        };
        let told = self.write_if_different(one, status, term).await;
        told.map_or_else(|failed| failed, |_| "failed")
    }

    /// A Rightsizer that is being deleted.
    pub(super) async fn let_go(&self, one: &Rightsizer, term: &Term) -> &'static str {
        match one.status.as_ref().and_then(|status| status.bounded.clone()) {
            Some(bounded) => self.unbind(one, bounded, term).await,
            None if !term.holds() => "deposed",
            None => self.hold(one, false).await.map_or_else(|failed| failed, |_| "released"),
        }
    }
}
