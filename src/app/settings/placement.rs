//! The `placement` section: what the administrator decided, as [`heliotrope_core`] takes it.

use super::rules::{RawRules, list, named, namespace};
use crate::settings::Problems;
use heliotrope_core::placement::{Policy, Throughput};
use heliotrope_core::quantity::{Grams, GramsPerKwh};
use heliotrope_core::snapshot::WakeWeights;
use heliotrope_core::workload::Namespaces;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// `placement` as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawPlacementSettings {
    mode: Option<String>,
    selectable_modes: Option<Vec<String>>,
    band: Option<f64>,
    full_spread: Option<f64>,
    keep: Option<String>,
    throughput: Option<String>,
    reference_model: Option<String>,
    wake: Option<RawWake>,
    ceiling: Option<String>,
    stranded_grams: Option<f64>,
    allow_zones: Option<Vec<String>>,
    deny_zones: Option<Vec<String>>,
    job_duration: Option<String>,
    service_horizon: Option<String>,
    volume_horizon: Option<String>,
    max_duration: Option<String>,
    utilisation: Option<f64>,
    groups: Option<Vec<String>>,
    exempt_namespaces: Option<Vec<String>>,
    namespaces: Option<BTreeMap<String, Option<RawRules>>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawWake {
    default: Option<f64>,
    pools: Option<BTreeMap<String, f64>>,
}

/// What the administrator decided about placement.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementSettings {
    /// For the decision as a whole.
    pub policy: Policy,
    /// For the pods of each namespace.
    pub namespaces: Namespaces,
    /// What waking a node counts, by pool.
    pub wake: WakeWeights,
}

impl Default for PlacementSettings {
    fn default() -> Self {
        let namespaces = Namespaces {
            exempt: BTreeSet::from(["kube-system".to_owned()]),
            ..Namespaces::default()
        };
        Self {
            policy: Policy::default(),
            namespaces,
            wake: WakeWeights::default(),
        }
    }
}

impl RawPlacementSettings {
    /// Checks the section.
    #[must_use]
    pub fn validate(self, problems: &mut Problems) -> PlacementSettings {
        let default = PlacementSettings::default();
        let policy = self.policy(default.policy, problems);
        let wake = wake(self.wake, &default.wake, problems);
        let rules = RawRules {
            mode: self.mode,
            selectable_modes: self.selectable_modes,
            allow_zones: self.allow_zones,
            deny_zones: self.deny_zones,
            job_duration: self.job_duration,
            service_horizon: self.service_horizon,
            volume_horizon: self.volume_horizon,
            max_duration: self.max_duration,
            utilisation: self.utilisation,
            groups: self.groups,
        };
        let rules = rules.validate(&default.namespaces.default, problems);
        let exempt = match self.exempt_namespaces {
            Some(names) => list("exemptNamespaces", &names, namespace, problems),
            None => default.namespaces.exempt,
        };
        let named = named(self.namespaces.unwrap_or_default(), &rules, &exempt, problems);
        PlacementSettings {
            policy,
            namespaces: Namespaces {
                default: rules,
                named,
                exempt,
            },
            wake,
        }
    }

    fn policy(&self, default: Policy, problems: &mut Problems) -> Policy {
        let band = problems.ratio("band", self.band, default.band);
        let full_spread = self.full_spread.unwrap_or(default.full_spread);
        if !full_spread.is_finite() || full_spread <= band.get() || full_spread > 10.0 {
            let message = format_args!("must be above the band ({band}) and at most 10, got {full_spread}");
            problems.report("fullSpread", message);
        }
        Policy {
            band,
            full_spread,
            keep: keep(self.keep.as_deref(), default.keep, problems),
            throughput: match self.throughput.as_deref() {
                None => default.throughput,
                Some("neutral") => Throughput::Neutral,
                Some("rated") => Throughput::Rated,
                Some("measured") => Throughput::Measured,
                Some(_) => {
                    problems.report("throughput", "must be neutral, rated or measured");
                    default.throughput
                }
            },
            reference_model: self.reference_model.clone().unwrap_or(default.reference_model),
            ceiling: self.ceiling.as_deref().and_then(|text| {
                let ceiling: Result<GramsPerKwh, _> = text.parse();
                ceiling.map_err(|error| problems.report("ceiling", error)).ok()
            }),
            stranded: match self.stranded_grams.map(Grams::new) {
                None => default.stranded,
                Some(Ok(grams)) => grams,
                Some(Err(error)) => {
                    problems.report("strandedGrams", error);
                    default.stranded
                }
            },
        }
    }
}

fn wake(raw: Option<RawWake>, default: &WakeWeights, problems: &mut Problems) -> WakeWeights {
    let raw = raw.unwrap_or_default();
    problems.within("wake", |problems| {
        let weight = problems.ratio("default", raw.default, default.default);
        let pools = problems.within("pools", |problems| {
            let pools = raw.pools.unwrap_or_default().into_iter();
            pools
                .map(|(pool, share)| {
                    let weight = problems.ratio(&pool, Some(share), weight);
                    (pool, weight)
                })
                .collect()
        });
        WakeWeights { default: weight, pools }
    })
}

fn keep(text: Option<&str>, default: Option<usize>, problems: &mut Problems) -> Option<usize> {
    match text {
        None => default,
        Some("all") => None,
        Some(text) => match text.parse() {
            Ok(count) if count > 0 => Some(count),
            _ => {
                problems.report("keep", "must be `all` or a number of nodes, 1 or more");
                default
            }
        },
    }
}
