use super::memory::outline;
use super::round::Rightsizers;
use crate::crds::{Rightsizer, RightsizerStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use std::time::Duration;
use tokio::time::timeout;

/// The longest message that is told in a condition.
const MAX_MESSAGE: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// A condition as it should be.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) kind: &'static str,
    pub(super) holds: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Said {
    pub(super) fn new(kind: &'static str, holds: bool, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            holds,
            reason,
            message: message.into(),
        }
    }
}

/// The conditions, in the order said. One that is as it was keeps its time.
pub(super) fn conditions(
    before: &[Condition],
    said: Vec<Said>,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let one = |said: Said| {
        let status = if said.holds { "True" } else { "False" };
        let was = before.iter().find(|old| old.type_ == said.kind && old.status == status);
        Condition {
            last_transition_time: was.map_or(Time(now), |old| old.last_transition_time.clone()),
            message: said.message.chars().take(MAX_MESSAGE).collect(),
            observed_generation: generation,
            reason: said.reason.to_owned(),
            status: status.to_owned(),
            type_: said.kind.to_owned(),
        }
    };
    said.into_iter().map(one).collect()
}

/// How much a status differs from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    /// In nothing that anybody needs.
    None,
    /// In words and times.
    Words,
    /// In what was concluded or has to be remembered.
    Matter,
}

pub(super) fn difference(before: &RightsizerStatus, after: &RightsizerStatus) -> Difference {
    let outlined = |status: &RightsizerStatus| RightsizerStatus {
        memory: status.memory.as_ref().map(outline),
        ..status.clone()
    };
    let (before, after) = (outlined(before), outlined(after));
    if before == after {
        return Difference::None;
    }
    let bare = |status: RightsizerStatus| {
        let mut bare = status;
        bare.conditions
            .iter_mut()
            .for_each(|condition| condition.message.clear());
        bare.steps.iter_mut().for_each(|step| step.message.clear());
        if let Some(memory) = &mut bare.memory {
            memory.yielded = memory.yielded.map(|_| Timestamp::UNIX_EPOCH);
        }
        bare
    };
    if bare(before) == bare(after) {
        Difference::Words
    } else {
        Difference::Matter
    }
}

impl Rightsizers {
    /// Writes a status on top of the version that was read; the object with its new version, or the outcome.
    pub(super) async fn write_status(
        &self,
        one: &Rightsizer,
        status: RightsizerStatus,
    ) -> Result<Rightsizer, &'static str> {
        let api: Api<Rightsizer> = Api::namespaced(self.client.clone(), &one.namespace().unwrap_or_default());
        let mut next = one.clone();
        next.status = Some(status);
        let how = PostParams::default();
        let wrote = timeout(PATIENCE, api.replace_status(&one.name_any(), &how, &next)).await;
        let (outcome, result) = match wrote {
            Ok(Ok(written)) => ("status-done", Ok(written)),
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => ("status-raced", Err("raced")),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => ("status-raced", Err("gone")),
            Ok(Err(error)) => {
                tracing::warn!(%error, "status of a rightsizer not written");
                ("status-failed", Err("failed"))
            }
            Err(_) => ("status-failed", Err("failed")),
        };
        self.metrics.rightsizer_wrote(outcome);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let said = |holds, reason| vec![Said::new("Ready", holds, reason, "m")];
        let first = conditions(&[], said(true, "A"), Some(1), at(0));
        let second = conditions(&first, said(true, "B"), Some(2), at(9));
        assert_eq!(
            (second[0].last_transition_time.0, second[0].reason.as_str()),
            (at(0), "B")
        );
        assert_eq!(second[0].observed_generation, Some(2));
        assert_eq!(
            conditions(&second, said(false, "B"), Some(2), at(20))[0]
                .last_transition_time
                .0,
            at(20)
        );
    }
}
