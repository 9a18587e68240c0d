//! What follows the settings file while the process runs.

use super::settings::{Change, Loaded, Settings, watch_file};
use crate::extender::Placement;
use crate::telemetry::LogHandle;
use arc_swap::ArcSwap;
use heliotrope_core::grid::{IntensityKind, ZoneTable};
use heliotrope_core::snapshot::Surroundings;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the settings file is looked at.
const SETTINGS_INTERVAL: Duration = Duration::from_secs(5);

/// The ends into which changed settings go.
pub(super) struct Live {
    log: LogHandle,
    yearly: watch::Sender<ZoneTable>,
    placement: Arc<ArcSwap<Placement>>,
    around: watch::Sender<(Surroundings, f64)>,
}

/// The ends at which changed settings arrive.
pub(super) struct Followed {
    /// Yearly intensities of zones.
    pub(super) yearly: watch::Receiver<ZoneTable>,
    /// By what pods are placed.
    pub(super) placement: Arc<ArcSwap<Placement>>,
    /// What snapshots are built with, and the band within which two are equal.
    pub(super) around: watch::Receiver<(Surroundings, f64)>,
}

impl Live {
    /// Both ends, with the settings there are.
    pub(super) fn new(loaded: &Loaded, log: LogHandle) -> (Self, Followed) {
        let settings = &loaded.settings;
        let placement = Arc::new(ArcSwap::from_pointee(placement(1, settings)));
        let (around, around_in) = watch::channel((settings.surroundings(&loaded.tables), band(settings)));
        let (yearly, yearly_in) = watch::channel(loaded.tables.zones.clone());
        let followed = Followed {
            yearly: yearly_in,
            placement: Arc::clone(&placement),
            around: around_in,
        };
        let live = Self {
            log,
            yearly,
            placement,
            around,
        };
        (live, followed)
    }

    /// Takes what may change while running from a changed file, until it is told to stop.
    pub(super) async fn follow(self, path: PathBuf, loaded: Loaded, stop: CancellationToken) {
        // A kind that changed waits for a restart: readings of the old kind would all count as missing.
        let kind = loaded.settings.carbon.kind;
        let on_change = |change| match change {
            Change::Taken { loaded, restart_keys } => {
                self.take(&loaded, kind);
                tracing::info!(waiting_for_restart = ?restart_keys, "settings taken");
            }
            Change::Refused(error) => tracing::error!(%error, "changed settings refused, the ones before stay"),
        };
        tokio::select! {
            () = stop.cancelled() => {}
            never = watch_file(&path, SETTINGS_INTERVAL, loaded, on_change) => match never {},
        }
    }

    fn take(&self, loaded: &Loaded, kind: IntensityKind) {
        self.yearly.send_if_modified(|table| {
            let changed = *table != loaded.tables.zones;
            table.clone_from(&loaded.tables.zones);
            changed
        });
        self.log.set_level(&loaded.settings.log.level);
        let next = placement(self.placement.load().generation + 1, &loaded.settings);
        self.placement.store(Arc::new(next));
        let surrounded = Surroundings {
            kind,
            ..loaded.settings.surroundings(&loaded.tables)
        };
        if self.around.send((surrounded, band(&loaded.settings))).is_err() {
            tracing::warn!("settings were taken, but nobody builds snapshots any more");
        }
    }
}

fn placement(generation: u64, settings: &Settings) -> Placement {
    let (policy, namespaces) = (
        Arc::new(settings.placement.policy.clone()),
        settings.placement.namespaces.clone(),
    );
    Placement {
        generation,
        policy,
        namespaces,
    }
}

fn band(settings: &Settings) -> f64 {
    settings.placement.policy.band.get()
}
