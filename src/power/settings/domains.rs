//! `power.domains`, and how long promised watts stand.

use crate::settings::{Problems, is_label_key};
use heliotrope_core::quantity::{Ratio, Watts};
use heliotrope_core::snapshot::{BookingBounds, BookingFigure, DomainRule, PriorityShare};
use jiff::SignedDuration;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kinds of domains that a node may stand in: node, rack, PDU, row, room leave some to spare.
const MAX_RULES: usize = 8;

/// One of `power.domains`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawDomain {
    name: Option<String>,
    label: Option<String>,
    gpu_watts: Option<String>,
    values: Option<BTreeMap<String, String>>,
    shares: Option<Vec<RawShare>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawShare {
    below_priority: Option<i32>,
    share: Option<f64>,
}

/// Checks all rules.
pub(super) fn all(raw: Vec<RawDomain>, problems: &mut Problems) -> Vec<DomainRule> {
    if raw.len() > MAX_RULES {
        problems.report("", format_args!("holds at most {MAX_RULES} kinds of domains"));
    }
    let mut names = BTreeSet::new();
    let rules = raw.into_iter().take(MAX_RULES).enumerate().map(|(place, raw)| {
        problems.within(format_args!("[{place}]"), |problems| {
            let rule = raw.validate(problems);
            if !rule.name.is_empty() && !names.insert(Arc::clone(&rule.name)) {
                problems.report("name", format_args!("`{}` is taken by another domain", rule.name));
            }
            rule
        })
    });
    rules.collect()
}

/// The keys that say by what pods are booked, and for how long.
pub(super) struct RawBookings<'a> {
    pub(super) ramp: Option<&'a str>,
    pub(super) in_flight_for: Option<&'a str>,
    pub(super) booking: Option<&'a str>,
    pub(super) learned_after: Option<&'a str>,
}

/// Checks by what pods are booked, and for how long.
pub(super) fn bounds(raw: &RawBookings<'_>, problems: &mut Problems) -> BookingBounds {
    let default = BookingBounds::default();
    let up_to_an_hour = |least| SignedDuration::from_secs(least)..=SignedDuration::from_hours(1);
    BookingBounds {
        ramp: problems.duration("ramp", raw.ramp, default.ramp, up_to_an_hour(0)),
        in_flight: problems.duration("inFlightFor", raw.in_flight_for, default.in_flight, up_to_an_hour(1)),
        figure: match raw.booking {
            None => default.figure,
            Some("max") => BookingFigure::Max,
            Some("p95") => BookingFigure::P95,
            Some(_) => {
                problems.report("booking", "must be max or p95");
                default.figure
            }
        },
        learned_after: problems.duration(
            "learnedAfter",
            raw.learned_after,
            default.learned_after,
            SignedDuration::ZERO..=SignedDuration::from_hours(24 * 30),
        ),
    }
}

impl RawDomain {
    fn validate(self, problems: &mut Problems) -> DomainRule {
        let name = self.name.unwrap_or_default();
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 32 || !name.chars().all(legal) {
            problems.report("name", "must be 1 to 32 of a to z, 0 to 9 and -, such as rack");
        }
        if let Some(label) = self.label.as_deref().filter(|label| !is_label_key(label)) {
            problems.report(
                "label",
                format_args!("`{label}` is not a label key such as example.com/rack"),
            );
        }
        let mut cap = |key: &str, text: &str| {
            let watts: Watts = problems.read(key, Some(text), Watts::ZERO);
            watts
        };
        let gpu_watts = self.gpu_watts.map(|text| cap("gpuWatts", &text));
        let values: BTreeMap<Arc<str>, Watts> = self
            .values
            .unwrap_or_default()
            .into_iter()
            .map(|(value, text)| (Arc::from(value), cap("values", &text)))
            .collect();
        if gpu_watts.is_none() && values.is_empty() {
            problems.report(
                "gpuWatts",
                "is missing: write a cap for every domain here, or for single ones in values",
            );
        }
        let shares = problems.within("shares", |problems| {
            let shares = self.shares.unwrap_or_default().into_iter().enumerate();
            shares
                .map(|(place, raw)| problems.within(format_args!("[{place}]"), |problems| raw.validate(problems)))
                .collect()
        });
        DomainRule {
            name: Arc::from(name),
            label: self.label.map(Arc::from),
            gpu_watts,
            values,
            shares,
        }
    }
}

impl RawShare {
    fn validate(self, problems: &mut Problems) -> PriorityShare {
        if self.below_priority.is_none() {
            problems.report(
                "belowPriority",
                "is missing: write the priority below which pods leave room",
            );
        }
        if self.share.is_none() {
            problems.report("share", "is missing: write what they may fill, from 0 to 1");
        }
        PriorityShare {
            below_priority: self.below_priority.unwrap_or_default(),
            share: problems.ratio("share", self.share, Ratio::ONE),
        }
    }
}
