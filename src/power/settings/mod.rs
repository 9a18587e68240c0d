//! `power` in the settings file.

mod domains;
mod origin;
mod source;

pub use origin::{ExporterPods, Origin, Target};
pub use source::PowerSource;

use crate::settings::Problems;
use domains::{RawBookings, RawDomain};
use heliotrope_core::grid::Region;
use heliotrope_core::quantity::Watts;
use heliotrope_core::snapshot::{BookingBounds, DomainRule, HostModel, PowerBounds, Pue};
use jiff::SignedDuration;
use serde::Deserialize;
use source::RawSource;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `power`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawPower {
    gpu_profiles_file: Option<PathBuf>,
    interval: Option<String>,
    fresh_for: Option<String>,
    stale_for: Option<String>,
    ramp: Option<String>,
    in_flight_for: Option<String>,
    booking: Option<String>,
    learned_after: Option<String>,
    domains: Option<Vec<RawDomain>>,
    sources: Option<Vec<RawSource>>,
    pue: Option<RawPue>,
    host: Option<RawHost>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawPue {
    default: Option<f64>,
    regions: Option<BTreeMap<String, f64>>,
    nodes: Option<BTreeMap<String, f64>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawHost {
    idle_per_vcpu: Option<String>,
    max_per_vcpu: Option<String>,
    per_gib: Option<String>,
}

/// `power`, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerSettings {
    /// How often sources are asked.
    pub interval: Duration,
    /// How samples age.
    pub bounds: PowerBounds,
    /// Who is asked.
    pub sources: Vec<PowerSource>,
    /// By what pods are booked, and for how long.
    pub bookings: BookingBounds,
    /// Kinds of power domains.
    pub domains: Vec<DomainRule>,
    /// Facility overhead.
    pub pue: Pue,
    /// What hosts draw.
    pub host: HostModel,
}

impl RawPower {
    /// Takes relative file names from a folder, but for the table, which is read with the settings file itself.
    pub fn locate(&mut self, folder: &Path) {
        for source in self.sources.iter_mut().flatten() {
            source.locate(folder);
        }
    }

    /// Checks the section. The profile file is read with the settings file itself.
    pub fn validate(self, problems: &mut Problems) -> PowerSettings {
        let within = SignedDuration::from_secs(1)..=SignedDuration::from_hours(1);
        let default = PowerBounds::default();
        let interval = problems.duration(
            "interval",
            self.interval.as_deref(),
            SignedDuration::from_secs(30),
            within.clone(),
        );
        let fresh_for = problems.duration("freshFor", self.fresh_for.as_deref(), default.fresh_for, within.clone());
        let stale_for = problems.duration("staleFor", self.stale_for.as_deref(), default.stale_for, within);
        if stale_for < fresh_for {
            problems.report("staleFor", "must not be shorter than freshFor");
        }
        let sources = problems.within("sources", |problems| {
            source::all(self.sources.unwrap_or_default(), problems)
        });
        let bookings = RawBookings {
            ramp: self.ramp.as_deref(),
            in_flight_for: self.in_flight_for.as_deref(),
            booking: self.booking.as_deref(),
            learned_after: self.learned_after.as_deref(),
        };
        PowerSettings {
            interval: interval.unsigned_abs(),
            bounds: PowerBounds { fresh_for, stale_for },
            bookings: domains::bounds(&bookings, problems),
            domains: problems.within("domains", |problems| {
                domains::all(self.domains.unwrap_or_default(), problems)
            }),
            sources,
            pue: problems.within("pue", |problems| self.pue.unwrap_or_default().validate(problems)),
            host: problems.within("host", |problems| self.host.unwrap_or_default().validate(problems)),
        }
    }
}

impl RawPue {
    fn validate(self, problems: &mut Problems) -> Pue {
        let mut checked = |key: &str, value: f64| {
            if !(1.0..=5.0).contains(&value) {
                problems.report(key, format_args!("must be from 1 to 5, got {value}"));
            }
            value
        };
        let default = checked("default", self.default.unwrap_or(1.0));
        let nodes = self
            .nodes
            .unwrap_or_default()
            .into_iter()
            .map(|(node, pue)| (node, checked("nodes", pue)))
            .collect();
        let regions: Vec<(String, f64)> = self
            .regions
            .unwrap_or_default()
            .into_iter()
            .map(|(region, pue)| (region, checked("regions", pue)))
            .collect();
        let mut named: BTreeMap<Region, f64> = BTreeMap::new();
        for (region, pue) in regions {
            match region.parse() {
                Ok(region) => {
                    named.insert(region, pue);
                }
                Err(error) => problems.report("regions", error),
            }
        }
        Pue {
            default,
            regions: named,
            nodes,
        }
    }
}

impl RawHost {
    fn validate(self, problems: &mut Problems) -> HostModel {
        let default = HostModel::default();
        let mut watts =
            |key: &str, text: Option<String>, default: Watts| problems.read(key, text.as_deref(), default);
        let idle_per_vcpu = watts("idlePerVcpu", self.idle_per_vcpu, default.idle_per_vcpu);
        let max_per_vcpu = watts("maxPerVcpu", self.max_per_vcpu, default.max_per_vcpu);
        let per_gib = watts("perGib", self.per_gib, default.per_gib);
        if max_per_vcpu < idle_per_vcpu {
            problems.report("maxPerVcpu", "must not be below idlePerVcpu");
        }
        HostModel {
            idle_per_vcpu,
            max_per_vcpu,
            per_gib,
        }
    }
}
