use super::placement::{PlacementSettings, RawPlacementSettings};
use crate::cluster::settings::{ClusterSettings, RawCluster};
use crate::settings::Problems;
use crate::telemetry::settings::{LogSettings, RawLog};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

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
    /// Waits for its room.
    pub extender: Unread,
    /// Waits for its room.
    pub admin: Unread,
    /// Waits for its room.
    pub outbound: Unread,
    /// Waits for its room.
    pub carbon: Unread,
    /// Waits for its room.
    pub power: Unread,
}

/// A section whose room is not composed yet: anything goes, and nothing is done with it.
pub type Unread = Option<IgnoredAny>;

/// The file as it is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How heliotrope logs.
    pub log: LogSettings,
    /// Where pods run.
    pub placement: PlacementSettings,
    /// What the cluster's labels mean.
    pub cluster: ClusterSettings,
}

impl RawSettings {
    /// Takes relative file names from the folder of the settings file.
    #[must_use]
    pub fn located(mut self, folder: &Path) -> Self {
        let locate = |path: &mut Option<PathBuf>| *path = path.take().map(|path| folder.join(path));
        locate(&mut self.cluster.kubeconfig);
        self
    }

    /// Checks every section; problems are collected, and a wrong value counts as its default meanwhile.
    #[must_use]
    pub fn validate(self, problems: &mut Problems) -> Settings {
        Settings {
            log: problems.within("log", |p| self.log.validate(p)),
            placement: problems.within("placement", |p| self.placement.validate(p)),
            cluster: problems.within("cluster", |p| self.cluster.validate(p)),
        }
    }
}

/// A section whose keys are all commented out is an empty one.
fn section<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
