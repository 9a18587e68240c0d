use super::FIELD_MANAGER;
use super::apply::{Wrote, within};
use super::round::Rightsizers;
use super::surroundings;
use crate::cluster::ScaledPod;
use crate::controllers::lease::Term;
use heliotrope_core::quantity::Ratio;
use heliotrope_core::rightsizing::deletion::{ANNOTATION, DeletionRule, Replica, deletion_costs};
use heliotrope_core::rightsizing::hpa::PodPhase;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

/// Replicas whose grams differ by less count as equal.
const BAND: f64 = 0.05;
/// Annotations written before one change of the replicas: of more pods the dirtiest are told apart at the next.
const MOST: usize = 100;

impl Rightsizers {
    /// Tells the ReplicaSet controller which replicas to remove first. Best effort: without it others go.
    pub(super) async fn rank(&self, namespace: &str, pods: &[ScaledPod], min_per_zone: u32, term: &Term) {
        let hourly = surroundings::hourly(&self.world.snapshot(), pods);
        let replicas = pods.iter().zip(&hourly).filter(|(pod, _)| !pod.facts.deleting);
        let replicas: Vec<Replica<'_>> = replicas
            .map(|(pod, (place, hourly))| Replica {
                name: &pod.name,
                place: place.as_deref(),
                hourly: *hourly,
                ready: pod.facts.phase == PodPhase::Running
                    && pod.facts.ready.is_some_and(|condition| condition.ready == Some(true)),
                cost: pod.deletion_cost,
            })
            .collect();
        let rule = DeletionRule {
            min_per_place: usize::try_from(min_per_zone).unwrap_or(usize::MAX),
            band: Ratio::new(BAND).unwrap_or(Ratio::ONE),
        };
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        for change in deletion_costs(&replicas, &rule).into_iter().take(MOST) {
            if !term.holds() {
                return;
            }
            let patch = json!({ "metadata": { "annotations": { ANNOTATION: change.cost.to_string() } } });
            let how = PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            };
            let wrote = within(api.patch(change.name, &how, &Patch::Merge(&patch))).await;
            self.metrics.rightsizer_wrote(match wrote {
                Wrote::Done => "deletion-cost-done",
                _ => "deletion-cost-failed",
            });
            if wrote == Wrote::MayNot {
                return;
            }
        }
    }
}
