//! The `placement` section: what the administrator decided, as [`heliotrope_core`] takes it.

use crate::settings::Problems;
use heliotrope_core::grid::ZoneId;
use heliotrope_core::placement::{Policy, Throughput};
use heliotrope_core::quantity::{Grams, GramsPerKwh};
use heliotrope_core::snapshot::WakeWeights;
use heliotrope_core::workload::{Mode, Namespaces, WorkloadRules};
use jiff::SignedDuration;
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
    max_duration: Option<String>,
    utilisation: Option<f64>,
    exempt_namespaces: Option<Vec<String>>,
    namespaces: Option<BTreeMap<String, Option<RawRules>>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawWake {
    default: Option<f64>,
    pools: Option<BTreeMap<String, f64>>,
}

/// What can be said for all namespaces, or for one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawRules {
    mode: Option<String>,
    selectable_modes: Option<Vec<String>>,
    allow_zones: Option<Vec<String>>,
    deny_zones: Option<Vec<String>>,
    job_duration: Option<String>,
    service_horizon: Option<String>,
    max_duration: Option<String>,
    utilisation: Option<f64>,
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

/// A fortnight on a GPU is long; a year is a mistake.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 365);
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

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
            max_duration: self.max_duration,
            utilisation: self.utilisation,
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

impl RawRules {
    /// Checks rules; what is not said is taken from `default`.
    fn validate(self, default: &WorkloadRules, problems: &mut Problems) -> WorkloadRules {
        let zone = |text: &str| text.parse::<ZoneId>().map_err(|error| error.to_string());
        let allow = self.allow_zones.map(|names| list("allowZones", &names, zone, problems));
        let deny = self.deny_zones.map(|names| list("denyZones", &names, zone, problems));
        let rules = WorkloadRules {
            mode: problems_mode(self.mode.as_deref(), default.mode, problems),
            selectable_modes: match self.selectable_modes {
                Some(names) => list("selectableModes", &names, mode, problems),
                None => default.selectable_modes.clone(),
            },
            allow_zones: allow.or_else(|| default.allow_zones.clone()),
            deny_zones: deny.unwrap_or_else(|| default.deny_zones.clone()),
            max_duration: problems.duration(
                "maxDuration",
                self.max_duration.as_deref(),
                default.max_duration,
                SHORTEST..=LONGEST,
            ),
            job_duration: default.job_duration,
            service_horizon: problems.duration(
                "serviceHorizon",
                self.service_horizon.as_deref(),
                default.service_horizon,
                SHORTEST..=LONGEST,
            ),
            utilisation: problems.ratio("utilisation", self.utilisation, default.utilisation),
        };
        if let Some(allow) = &rules.allow_zones {
            if allow.is_empty() {
                problems.report(
                    "allowZones",
                    "allows no zone at all: name one, or leave the key out to allow all",
                );
            } else if allow.is_subset(&rules.deny_zones) {
                problems.report("allowZones", "every zone that is allowed here is denied by `denyZones`");
            }
        }
        let bounds = SHORTEST..=rules.max_duration;
        let job_duration = problems.duration(
            "jobDuration",
            self.job_duration.as_deref(),
            default.job_duration,
            bounds.clone(),
        );
        if self.job_duration.is_none() && !bounds.contains(&job_duration) {
            problems.report(
                "maxDuration",
                format_args!("is below the run time of jobs, {job_duration:#}"),
            );
        }
        WorkloadRules { job_duration, ..rules }
    }
}

fn named(
    raw: BTreeMap<String, Option<RawRules>>,
    default: &WorkloadRules,
    exempt: &BTreeSet<String>,
    problems: &mut Problems,
) -> BTreeMap<String, WorkloadRules> {
    problems.within("namespaces", |problems| {
        let rules = raw.into_iter().map(|(name, rules)| {
            let rules = problems.within(&name, |problems| {
                if let Err(error) = namespace(&name) {
                    problems.report("", error);
                } else if exempt.contains(&name) {
                    problems.report(
                        "",
                        "is exempt, so rules for it have no effect: take it out of one of the two",
                    );
                }
                rules.unwrap_or_default().validate(default, problems)
            });
            (name, rules)
        });
        rules.collect()
    })
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

fn mode(text: &str) -> Result<Mode, String> {
    text.parse()
        .map_err(|()| "must be off, shadow, prefer or strict".to_owned())
}

fn problems_mode(text: Option<&str>, default: Mode, problems: &mut Problems) -> Mode {
    match text.map(mode) {
        None => default,
        Some(Ok(mode)) => mode,
        Some(Err(error)) => {
            problems.report("mode", error);
            default
        }
    }
}

/// A DNS label, as Kubernetes names namespaces.
fn namespace(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let ends = !text.starts_with('-') && !text.ends_with('-');
    if text.is_empty() || text.len() > 63 || !ends || !text.bytes().all(legal) {
        return Err("is no namespace name: use 1 to 63 of a-z 0-9 -".to_owned());
    }
    Ok(text.to_owned())
}

fn list<T: Ord>(
    key: &str,
    names: &[String],
    parse: impl Fn(&str) -> Result<T, String>,
    problems: &mut Problems,
) -> BTreeSet<T> {
    let mut values = BTreeSet::new();
    problems.within(key, |problems| {
        for (name, ix) in names.iter().zip(0usize..) {
            match parse(name) {
                Ok(value) => drop(values.insert(value)),
                Err(error) => problems.report(&format!("[{ix}]"), error),
            }
        }
    });
    values
}
