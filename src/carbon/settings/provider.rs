//! One of `carbon.providers`.

use super::raw::RawProvider;
use super::source::SourceSettings;
use crate::settings::Problems;
use heliotrope_core::grid::IntensityKind;
use jiff::SignedDuration;
use std::path::Path;
use std::time::Duration;

/// One provider, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderSettings {
    /// Its name in the file.
    pub name: String,
    /// How often it is asked.
    pub interval: Duration,
    /// How often it may be called in an hour, whatever the interval and the number of zones; no limit without it.
    pub calls_per_hour: Option<u32>,
    /// What it is.
    pub source: SourceSettings,
}

/// Twice what a call a second makes; nobody means more.
const MOST_CALLS: u32 = 7200;

impl RawProvider {
    /// Takes relative file names from a folder.
    pub(super) fn locate(&mut self, folder: &Path) {
        for path in [
            &mut self.path,
            &mut self.key_file,
            &mut self.username_file,
            &mut self.password_file,
        ] {
            *path = path.take().map(|path| folder.join(path));
        }
        if let Some(access) = &mut self.access {
            access.locate(folder);
        }
    }

    pub(super) fn validate(self, ranked: IntensityKind, problems: &mut Problems) -> Option<ProviderSettings> {
        let source = SourceSettings::validate(&self, ranked, problems);
        self.refuse_foreign_keys(problems);
        let bounds = SignedDuration::from_secs(1)..=SignedDuration::from_hours(24);
        let default = source
            .as_ref()
            .map_or(SignedDuration::from_mins(5), SourceSettings::usual_interval);
        let interval = problems.duration("interval", self.interval.as_deref(), default, bounds);
        if self
            .calls_per_hour
            .is_some_and(|calls| !(1..=MOST_CALLS).contains(&calls))
        {
            problems.report("callsPerHour", format_args!("must be from 1 to {MOST_CALLS}"));
        }
        let Some(name) = self.name.filter(|name| !name.is_empty()) else {
            problems.report("name", "is missing");
            return None;
        };
        let source = source?;
        Some(ProviderSettings {
            name,
            interval: interval.unsigned_abs(),
            calls_per_hour: self.calls_per_hour.or(source.usual_calls_per_hour()),
            source,
        })
    }

    /// A key that the type does not read would be believed to have an effect.
    fn refuse_foreign_keys(&self, problems: &mut Problems) {
        let Some(kind) = self.r#type.as_deref() else { return };
        let Some(keys) = SourceSettings::keys(kind) else { return };
        let written = [
            ("callsPerHour", self.calls_per_hour.is_some()),
            ("url", self.url.is_some()),
            ("access", self.access.is_some()),
            ("path", self.path.is_some()),
            ("zone", self.zone.is_some()),
            ("query", self.query.is_some()),
            ("zoneLabel", self.zone_label.is_some()),
            ("unit", self.unit.is_some()),
            ("signal", self.signal.is_some()),
            ("basis", self.basis.is_some()),
            ("regions", self.regions.is_some()),
            ("version", self.version.is_some()),
            ("horizonHours", self.horizon_hours.is_some()),
            ("dataCenters", self.data_centers.is_some()),
            ("keyFile", self.key_file.is_some()),
            ("usernameFile", self.username_file.is_some()),
            ("passwordFile", self.password_file.is_some()),
        ];
        for (key, _) in written.iter().filter(|(key, written)| *written && !keys.contains(key)) {
            problems.report(key, format_args!("has no effect on a provider of type {kind}"));
        }
    }
}
