use super::rivals::{self, Claim, Rival};
use super::round::Rightsizers;
use crate::cluster::{Autoscaler, ScaledPod, ScalingError, Target};
use heliotrope_core::rightsizing::TargetRef;

/// What a Rightsizer is about, as it is now.
#[derive(Debug)]
pub(super) struct Found {
    /// The target and its scale.
    pub(super) target: Target,
    /// The pods of its selector.
    pub(super) pods: Vec<ScaledPod>,
    /// The autoscaler that has it too; an error where there are several.
    pub(super) autoscaler: Result<Option<Autoscaler>, Rival>,
    /// An older Rightsizer that acts on it.
    pub(super) older: Option<Rival>,
}

impl Rightsizers {
    pub(super) async fn dereference(
        &self,
        (namespace, target): (&str, &TargetRef),
        (mine, claims): (&Claim, &[Claim]),
    ) -> Result<Found, ScalingError> {
        let (found, autoscalers) = tokio::join!(
            self.scaling.target(namespace, target),
            self.scaling.autoscalers(namespace)
        );
        let (found, autoscalers) = (found?, autoscalers?);
        Ok(Found {
            pods: self.scaling.pods(namespace, &found.selector).await?,
            target: found,
            autoscaler: rivals::autoscaler(target, &autoscalers).map(Option::<&Autoscaler>::cloned),
            older: rivals::older(mine, claims),
        })
    }
}
