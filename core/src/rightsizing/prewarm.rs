use super::carbon::Trigger;
use super::hpa::Replicas;
use super::outlook::Outlook;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Replicas that start before the carbon bound is lifted, so that they are ready when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrewarmRule {
    /// How long before: the time from the decision to a ready replica.
    pub lead: SignedDuration,
    /// At least so many; none means as many as there would be without the bound.
    pub replicas: Option<Replicas>,
}

impl PrewarmRule {
    /// When the grid will be clean again, if that is within the lead.
    pub(super) fn window(&self, trigger: Trigger, outlook: &Outlook<'_>, now: Timestamp) -> Option<Timestamp> {
        let until = now.saturating_add(self.lead).unwrap_or(Timestamp::MAX);
        let mut changes = outlook.changes(now, until);
        changes.find(|change| trigger.dirty(outlook, *change, true) == Some(false))
    }
}
