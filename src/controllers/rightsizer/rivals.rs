use super::FIELD_MANAGER;
use crate::cluster::{Autoscaler, AutoscalerKind, FieldOwner, Operation};
use crate::crds::{ModeName, Rightsizer};
use heliotrope_core::rightsizing::TargetRef;
use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt};

/// Whoever wrote over us has this long to do it again before we take the field back.
const TRUCE: SignedDuration = SignedDuration::from_mins(5);
/// Of a field manager's name so much is told.
const MAX_TOLD: usize = 64;

/// What one Rightsizer claims.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    namespace: String,
    name: String,
    target: TargetRef,
    /// Age, and the name where two are of the same.
    since: (Option<Timestamp>, String),
    acts: bool,
}

impl Claim {
    pub(super) fn of(one: &Rightsizer) -> Option<Self> {
        let meta = one.meta();
        Some(Self {
            namespace: meta.namespace.clone()?,
            name: one.name_any(),
            target: TargetRef::from(&one.spec.scale_target_ref),
            since: (meta.creation_timestamp.as_ref().map(|time| time.0), one.name_any()),
            acts: one.spec.mode != ModeName::Recommend && meta.deletion_timestamp.is_none(),
        })
    }
}

/// Somebody else who sets the same number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rival {
    /// An older Rightsizer that acts has the same target.
    Rightsizer(String),
    /// Another autoscaler has the target.
    Autoscaler(AutoscalerKind, String),
    /// Several autoscalers have it, and it is not known whose bounds to set.
    Several,
    /// Somebody declares the field and will again.
    Declares(String),
    /// Somebody wrote over what we set, just now.
    Wrote(String),
}

impl Rival {
    /// The reason of the condition.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Rightsizer(_) => "ConflictingRightsizer",
            Self::Autoscaler(..) => "ConflictingAutoscaler",
            Self::Several => "AmbiguousAutoscaler",
            Self::Declares(_) => "FieldDeclared",
            Self::Wrote(_) => "FieldOverwritten",
        }
    }

    /// What to do.
    pub(super) fn message(&self, field: &str) -> String {
        match self {
            Self::Rightsizer(name) => {
                format!(
                    "Rightsizer {name} has the same target and is older: remove one of the two, or set mode recommend"
                )
            }
            Self::Autoscaler(kind, name) => {
                let kind = kind.name();
                format!(
                    "{kind} {name} sets the replicas of this target: remove it, or set mode bound to give it its bounds"
                )
            }
            Self::Several => "several autoscalers have this target: leave one".to_owned(),
            Self::Declares(manager) => {
                let who = told(manager);
                format!(
                    "{who} declares {field} by server-side apply and would set it back: take {field} out of what it applies"
                )
            }
            Self::Wrote(manager) => {
                let who = told(manager);
                format!(
                    "{who} wrote over {field} within the last five minutes: nothing is written until it has been left alone that long"
                )
            }
        }
    }
}

/// A name as field managers are called, with nothing in it that is none.
fn told(manager: &str) -> String {
    let legal = |c: &char| c.is_ascii_graphic();
    let name: String = manager.chars().filter(legal).take(MAX_TOLD).collect();
    if name.is_empty() { "somebody".to_owned() } else { name }
}

/// An older Rightsizer that acts on the same target.
pub(super) fn older(mine: &Claim, all: &[Claim]) -> Option<Rival> {
    let mut others = all.iter().filter(|other| {
        other.acts
            && other.namespace == mine.namespace
            && other.name != mine.name
            && other.target.is_same(&mine.target)
            && other.since < mine.since
    });
    others.next().map(|other| Rival::Rightsizer(other.name.clone()))
}

/// The autoscaler of a target: the one that a person made, where KEDA made another for it.
pub(super) fn autoscaler<'a>(target: &TargetRef, all: &'a [Autoscaler]) -> Result<Option<&'a Autoscaler>, Rival> {
    let of_target: Vec<&Autoscaler> = all.iter().filter(|one| one.target.is_same(target)).collect();
    let keda = of_target.iter().any(|one| one.kind == AutoscalerKind::ScaledObject);
    let mut made_by_people = of_target.into_iter().filter(|one| !(keda && one.made));
    match (made_by_people.next(), made_by_people.next()) {
        (_, Some(_)) => Err(Rival::Several),
        (found, None) => Ok(found),
    }
}

/// Somebody who declares a field, or wrote it after we last did.
pub(super) fn writer(owners: &[FieldOwner], last: Option<Timestamp>, now: Timestamp) -> Option<Rival> {
    let others = || owners.iter().filter(|owner| owner.manager != FIELD_MANAGER);
    if let Some(owner) = others().find(|owner| owner.operation == Operation::Apply) {
        return Some(Rival::Declares(owner.manager.clone()));
    }
    // Times of field managers have whole seconds: one of the same second may have been before.
    let last = last?;
    let just_now = |owner: &&FieldOwner| owner.at.is_some_and(|at| at > last && now.duration_since(at) < TRUCE);
    others().find(just_now).map(|owner| Rival::Wrote(owner.manager.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn owner(manager: &str, operation: Operation, seconds: i64) -> FieldOwner {
        FieldOwner {
            manager: manager.to_owned(),
            operation,
            at: Some(at(seconds)),
        }
    }

    #[test]
    fn who_declares_the_field_has_it_and_who_wrote_it_once_does_not() {
        let ours = owner(FIELD_MANAGER, Operation::Apply, 50);
        let created = owner("kubectl-create", Operation::Update, 0);
        assert_eq!(writer(&[created.clone(), ours.clone()], Some(at(50)), at(60)), None);
        assert_eq!(
            writer(std::slice::from_ref(&created), None, at(1)),
            None,
            "we never wrote"
        );
        let flux = owner("flux", Operation::Apply, -9999);
        assert_eq!(
            writer(&[ours, flux], None, at(60)),
            Some(Rival::Declares("flux".to_owned()))
        );
        let edit = owner("kubectl-edit", Operation::Update, 55);
        let wrote = Some(Rival::Wrote("kubectl-edit".to_owned()));
        assert_eq!(writer(std::slice::from_ref(&edit), Some(at(50)), at(60)), wrote);
        assert_eq!(writer(&[edit], Some(at(50)), at(355)), None, "five minutes later");
    }

    #[test]
    fn what_is_told_of_a_manager_is_short_and_plain() {
        assert_eq!(told("a\nb c"), "abc");
        assert_eq!(told(" \u{202e}"), "somebody");
        assert_eq!(told(&"x".repeat(300)).len(), MAX_TOLD);
    }
}
