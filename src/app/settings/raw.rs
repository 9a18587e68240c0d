use super::placement::{PlacementSettings, RawPlacementSettings};
use crate::admin::settings::{AdminSettings, RawAdmin};
use crate::app::tables::Tables;
use crate::carbon::settings::{CarbonSettings, RawCarbon};
use crate::cluster::Labels;
use crate::cluster::settings::{ClusterSettings, RawCluster};
use crate::controllers::events::settings::{EventSettings, RawEvents};
use crate::controllers::rightsizer::settings::{RawRightsizer, RightsizerSettings};
use crate::extender::settings::{ExtenderSettings, RawExtender};
use crate::history::settings::{HistorySettings, RawHistory};
use crate::load::settings::{LoadSettings, RawLoad};
use crate::outbound::settings::{OutboundSettings, RawOutbound};
use crate::power::settings::{PowerSettings, RawPower};
use crate::settings::Problems;
use crate::telemetry::settings::{LogSettings, RawLog};
use crate::world::settings::{DecisionSettings, RawDecisions};
use heliotrope_core::snapshot::Surroundings;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file as it is written: one section a room. A room is added with one line here, one in [`Settings`], one in
/// [`RawSettings::validate`], and one in [`RawSettings::located`] for each file it names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawSettings {
    /// Checked before anything else is read.
    pub api_version: Option<String>,
    /// Checked before anything else is read.
    pub kind: Option<String>,
    /// How heliotrope logs.
    #[serde(deserialize_with = "section")]
    pub log: RawLog,
    /// Where pods run.
    #[serde(deserialize_with = "section")]
    pub placement: RawPlacementSettings,
    /// What the cluster's labels mean.
    #[serde(deserialize_with = "section")]
    pub cluster: RawCluster,
    /// What kube-scheduler asks.
    #[serde(deserialize_with = "section")]
    pub extender: RawExtender,
    /// Health, metrics and explanations.
    #[serde(deserialize_with = "section")]
    pub admin: RawAdmin,
    /// Events on pods.
    #[serde(deserialize_with = "section")]
    pub events: RawEvents,
    /// Looking after Rightsizers.
    #[serde(deserialize_with = "section")]
    pub rightsizer: RawRightsizer,
    /// The decision log on the disk.
    #[serde(deserialize_with = "section")]
    pub decisions: RawDecisions,
    /// Every call to somebody else.
    #[serde(deserialize_with = "section")]
    pub outbound: RawOutbound,
    /// Carbon intensity of the grid.
    #[serde(deserialize_with = "section")]
    pub carbon: RawCarbon,
    /// Power of nodes and GPUs.
    #[serde(deserialize_with = "section")]
    pub power: RawPower,
    /// How much work there is.
    #[serde(deserialize_with = "section")]
    pub load: RawLoad,
    /// What is kept over a restart.
    #[serde(deserialize_with = "section")]
    pub history: RawHistory,
}

/// The file as it is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How heliotrope logs.
    pub log: LogSettings,
    /// Where pods run.
    pub placement: PlacementSettings,
    /// What the cluster's labels mean.
    pub cluster: ClusterSettings,
    /// What kube-scheduler asks.
    pub extender: ExtenderSettings,
    /// Health, metrics and explanations.
    pub admin: AdminSettings,
    /// Events on pods.
    pub events: EventSettings,
    /// Looking after Rightsizers.
    pub rightsizer: RightsizerSettings,
    /// The decision log on the disk.
    pub decisions: DecisionSettings,
    /// Every call to somebody else.
    pub outbound: OutboundSettings,
    /// Carbon intensity of the grid.
    pub carbon: CarbonSettings,
    /// Power of nodes and GPUs.
    pub power: PowerSettings,
    /// How much work there is.
    pub load: LoadSettings,
    /// What is kept over a restart.
    pub history: HistorySettings,
}

impl RawSettings {
    /// Takes relative file names from the folder of the settings file.
    #[must_use]
    pub fn located(mut self, folder: &Path) -> Self {
        let locate = |path: &mut Option<PathBuf>| *path = path.take().map(|path| folder.join(path));
        locate(&mut self.cluster.kubeconfig);
        locate(&mut self.history.dir);
        locate(&mut self.decisions.dir);
        self.carbon.locate(folder);
        self.power.locate(folder);
        self.load.locate(folder);
        self
    }

    /// Checks every section; problems are collected, and a wrong value counts as its default meanwhile.
    #[must_use]
    pub fn validate(self, problems: &mut Problems) -> Settings {
        Settings {
            log: problems.within("log", |p| self.log.validate(p)),
            placement: problems.within("placement", |p| self.placement.validate(p)),
            cluster: problems.within("cluster", |p| self.cluster.validate(p)),
            extender: problems.within("extender", |p| self.extender.validate(p)),
            admin: problems.within("admin", |p| self.admin.validate(p)),
            events: problems.within("events", |p| self.events.validate(p)),
            rightsizer: problems.within("rightsizer", |p| self.rightsizer.validate(p)),
            decisions: problems.within("decisions", |p| self.decisions.validate(p)),
            outbound: problems.within("outbound", |p| self.outbound.validate(p)),
            carbon: problems.within("carbon", |p| self.carbon.validate(p)),
            power: problems.within("power", |p| self.power.validate(p)),
            load: problems.within("load", |p| self.load.validate(p)),
            history: problems.within("history", |p| self.history.validate(p)),
        }
    }
}

impl Settings {
    /// Which node labels are read: those of the cluster, and those that power domains are made of.
    #[must_use]
    pub fn labels(&self) -> Labels {
        let domains = self.power.domains.iter().filter_map(|rule| rule.label.clone());
        Labels {
            domains: domains.collect(),
            ..self.cluster.labels.clone()
        }
    }

    /// What snapshots are built with: the tables, and the figures of the sections that say something about them.
    #[must_use]
    pub fn surroundings(&self, tables: &Tables) -> Surroundings {
        Surroundings {
            kind: self.carbon.kind,
            regions: tables.regions.table.clone(),
            catalogue: Arc::clone(&tables.gpus.catalogue),
            ladder: self.carbon.ladder,
            power: self.power.bounds,
            bookings: self.power.bookings,
            domains: self.power.domains.clone(),
            pue: self.power.pue.clone(),
            wake: self.placement.wake.clone(),
            host: self.power.host,
        }
    }
}

/// A section whose keys are all commented out is an empty one.
fn section<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
