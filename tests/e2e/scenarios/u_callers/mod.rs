//! Who is told of pods, and on which pods something is written, on a real API server with the identity and the rights that
//! `deploy/kustomize` ships.
//!
//! Owns the place that both scenarios start from, and takes it away with the value. Must never grant more to Heliotrope than
//! is shipped.

mod callers;
mod events;

use super::shipped::{apply_shipped, kubeconfig, reader_token};
use super::site::{CENTRAL, NORTH, WEST, wait_metric};
use crate::cluster::{Cluster, Images, fleet};
use crate::controlplane::ControlPlane;
use crate::extender::{Heliotrope, HeliotropeSettings};
use crate::world::CarbonFile;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster with the shipped identity in it, still without Heliotrope and without a scheduler.
struct Place {
    cluster: Cluster,
    admin: kube::Client,
    settings: HeliotropeSettings,
    plane: ControlPlane,
}

impl Place {
    async fn start() -> Self {
        let plane = ControlPlane::start().await;
        let admin = plane.client().await;
        let cluster = Cluster::new(admin.clone());
        cluster.create_nodes(&fleet(12, Images::Nowhere)).await;
        apply_shipped(&admin, &["identity"]).await;
        let reader = kubeconfig(&plane, "reader", &reader_token(&admin).await);
        let settings = [NORTH, WEST, CENTRAL]
            .into_iter()
            .fold(HeliotropeSettings::new(), |settings, (_, zone, grams)| {
                settings.file(zone, &CarbonFile::write(plane.folder(), zone, grams))
            })
            .kubeconfig(&reader);
        Self {
            cluster,
            admin,
            settings,
            plane,
        }
    }

    async fn heliotrope(&self, settings: &HeliotropeSettings) -> Heliotrope {
        let heliotrope = Heliotrope::start(&self.plane, settings).await;
        for (_, zone, _) in [NORTH, WEST, CENTRAL] {
            let known = |rung: f64| rung >= 1.0;
            wait_metric(&heliotrope, "heliotrope_carbon_best_rung", &[("zone", zone)], known).await;
        }
        heliotrope
    }
}
