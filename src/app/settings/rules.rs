//! Rules for the pods of all namespaces, or of one.

use crate::settings::Problems;
use heliotrope_core::grid::ZoneId;
use heliotrope_core::workload::{GroupKind, Mode, WorkloadRules};
use jiff::SignedDuration;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What can be said for all namespaces, or for one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawRules {
    pub(super) mode: Option<String>,
    pub(super) selectable_modes: Option<Vec<String>>,
    pub(super) allow_zones: Option<Vec<String>>,
    pub(super) deny_zones: Option<Vec<String>>,
    pub(super) job_duration: Option<String>,
    pub(super) service_horizon: Option<String>,
    pub(super) volume_horizon: Option<String>,
    pub(super) max_duration: Option<String>,
    pub(super) utilisation: Option<f64>,
    pub(super) groups: Option<Vec<String>>,
}

/// A fortnight on a GPU is long; a year is a mistake.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 365);
/// A volume outlives many jobs.
const LONGEST_OF_VOLUMES: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

impl RawRules {
    /// Checks rules; what is not said is taken from `default`.
    pub(super) fn validate(self, default: &WorkloadRules, problems: &mut Problems) -> WorkloadRules {
        let zone = |text: &str| text.parse::<ZoneId>().map_err(|error| error.to_string());
        let allow = self.allow_zones.map(|names| list("allowZones", &names, zone, problems));
        let deny = self.deny_zones.map(|names| list("denyZones", &names, zone, problems));
        let rules = WorkloadRules {
            mode: mode_or(self.mode.as_deref(), default.mode, problems),
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
            volume_horizon: problems.duration(
                "volumeHorizon",
                self.volume_horizon.as_deref(),
                default.volume_horizon,
                SHORTEST..=LONGEST_OF_VOLUMES,
            ),
            utilisation: problems.ratio("utilisation", self.utilisation, default.utilisation),
            groups: match self.groups {
                Some(names) => list("groups", &names, group, problems),
                None => default.groups.clone(),
            },
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

/// Rules by namespace, each with what it does not say taken from `default`.
pub(super) fn named(
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

fn mode(text: &str) -> Result<Mode, String> {
    text.parse()
        .map_err(|()| "must be off, shadow, prefer or strict".to_owned())
}

fn group(text: &str) -> Result<GroupKind, String> {
    let known = GroupKind::ALL.into_iter().find(|kind| kind.name() == text);
    known.ok_or_else(|| format!("must be one of {}", GroupKind::ALL.map(GroupKind::name).join(", ")))
}

fn mode_or(text: Option<&str>, default: Mode, problems: &mut Problems) -> Mode {
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
pub(super) fn namespace(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let ends = !text.starts_with('-') && !text.ends_with('-');
    if text.is_empty() || text.len() > 63 || !ends || !text.bytes().all(legal) {
        return Err("is no namespace name: use 1 to 63 of a-z 0-9 -".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads every item of a list; wrong ones are reported and left out.
pub(super) fn list<T: Ord>(
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
