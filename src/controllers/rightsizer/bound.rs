use super::FIELD_MANAGER;
use super::apply::{Wrote, within};
use super::rivals::{self, Rival};
use super::round::Rightsizers;
use crate::cluster::{Autoscaler, FieldOwner};
use crate::crds::{BoundedStatus, BoundsStatus, FINALIZER, Rightsizer};
use heliotrope_core::rightsizing::plan::Bounds;
use jiff::Timestamp;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

impl From<Bounds> for BoundsStatus {
    /// No autoscaler takes a maximum of 0; one is the least that it can be told.
    fn from(bounds: Bounds) -> Self {
        Self {
            min: Some(bounds.floor),
            max: Some(bounds.ceiling.max(1)),
        }
    }
}

/// Whether an autoscaler has the bounds that the status says.
pub(super) fn is_set(bounded: &BoundedStatus, autoscaler: &Autoscaler) -> bool {
    is_of(bounded, autoscaler) && has(autoscaler) == bounded.set
}

fn is_of(bounded: &BoundedStatus, autoscaler: &Autoscaler) -> bool {
    bounded.kind == autoscaler.kind.name() && bounded.name == autoscaler.name
}

fn has(autoscaler: &Autoscaler) -> BoundsStatus {
    BoundsStatus {
        min: autoscaler.min,
        max: autoscaler.max,
    }
}

/// When we last wrote the bounds, as the field managers have it.
fn ours(owners: &[FieldOwner]) -> Option<Timestamp> {
    let ours = owners.iter().filter(|owner| owner.manager == FIELD_MANAGER);
    ours.filter_map(|owner| owner.at).max()
}

/// What an autoscaler has of its own: what was found there at first, but for bounds that somebody else has set since.
fn own(bounded: &BoundedStatus, has: &BoundsStatus) -> BoundsStatus {
    let was = bounded.was.clone().unwrap_or_default();
    let one = |has: Option<i32>, ours: [Option<i32>; 2], own: Option<i32>| {
        if ours.contains(&has) { own } else { has }
    };
    BoundsStatus {
        min: one(has.min, [bounded.set.min, was.min], bounded.min_replicas),
        max: one(has.max, [bounded.set.max, was.max], bounded.max_replicas),
    }
}

/// What stands in the status before bounds are set: what to give back, what is set, and what was set before. A bound that
/// is neither of these two is somebody's own, and is what is given back from now on. The answer is `None` where nothing is to
/// be written.
pub(super) fn next(before: Option<&BoundedStatus>, autoscaler: &Autoscaler, bounds: Bounds) -> Option<BoundedStatus> {
    let (has, set) = (has(autoscaler), BoundsStatus::from(bounds));
    let kind = autoscaler.kind;
    let own = match before.filter(|before| is_of(before, autoscaler)) {
        Some(before) => own(before, &has),
        None => has.clone(),
    };
    if has == set && before.is_some_and(|before| before.set == set) {
        return None;
    }
    let resource = kind.resource();
    Some(BoundedStatus {
        api_version: resource.api_version,
        kind: kind.name().to_owned(),
        name: autoscaler.name.clone(),
        min_replicas: own.min,
        max_replicas: own.max,
        set,
        was: Some(has),
    })
}

/// Whose the bounds are, where they are not ours to set.
pub(super) fn writer(autoscaler: &Autoscaler, bounded: Option<&BoundedStatus>, now: Timestamp) -> Option<Rival> {
    let last = bounded.and_then(|_| ours(&autoscaler.owners));
    rivals::writer(&autoscaler.owners, last, now)
}

impl Rightsizers {
    /// Sets the bounds of an autoscaler as it was read.
    pub(super) async fn set_bounds(&self, namespace: &str, autoscaler: &Autoscaler, bounds: &BoundsStatus) -> Wrote {
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace, &autoscaler.kind.resource());
        let (least, most) = autoscaler.kind.bounds();
        let patch = json!({
            "metadata": { "resourceVersion": autoscaler.resource_version },
            "spec": { least: bounds.min, most: bounds.max },
        });
        let wrote = within(api.patch(&autoscaler.name, &how(), &Patch::Merge(&patch))).await;
        self.metrics.rightsizer_wrote(match wrote {
            Wrote::Done => "bounds-done",
            Wrote::Raced => "bounds-raced",
            Wrote::MayNot => "bounds-forbidden",
            Wrote::Refused => "bounds-refused",
            Wrote::Unknown => "bounds-unknown",
        });
        wrote
    }

    /// Gives an autoscaler its own bounds back. Nothing is left to do where it is gone, or somebody has set other bounds since.
    pub(super) async fn restore(&self, namespace: &str, bounded: &BoundedStatus, all: &[Autoscaler]) -> Wrote {
        let Some(found) = all.iter().find(|one| is_of(bounded, one)) else {
            return Wrote::Done;
        };
        let has = has(found);
        let own = own(bounded, &has);
        if has == own {
            return Wrote::Done;
        }
        self.set_bounds(namespace, found, &own).await
    }

    /// Holds a Rightsizer until its autoscaler has its bounds back, or lets it go.
    ///
    /// # Errors
    /// What became of it.
    pub(super) async fn hold(&self, one: &Rightsizer, hold: bool) -> Result<Rightsizer, &'static str> {
        let mut finalizers = one.finalizers().to_vec();
        finalizers.retain(|name| name != FINALIZER);
        if hold {
            finalizers.push(FINALIZER.to_owned());
        }
        if finalizers == one.finalizers() {
            return Ok(one.clone());
        }
        let api: Api<Rightsizer> = Api::namespaced(self.client.clone(), &one.namespace().unwrap_or_default());
        let patch = json!({
            "metadata": { "resourceVersion": one.resource_version(), "finalizers": finalizers },
        });
        let mut answer = None;
        let wrote = within(async {
            answer = Some(api.patch(&one.name_any(), &how(), &Patch::Merge(&patch)).await?);
            Ok(())
        });
        let wrote = wrote.await;
        self.metrics.rightsizer_wrote(match wrote {
            Wrote::Done => "finalizer-done",
            _ => "finalizer-failed",
        });
        answer.ok_or(wrote.name())
    }
}

fn how() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}
