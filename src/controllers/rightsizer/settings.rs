//! `rightsizer` in the settings file.

use crate::controllers::lease::LeaseTimes;
use crate::settings::Problems;
use jiff::SignedDuration;
use serde::Deserialize;
use std::time::Duration;

/// `rightsizer`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawRightsizer {
    enabled: Option<bool>,
    interval: Option<String>,
    concurrency: Option<usize>,
    namespaces: Option<Vec<String>>,
    lease: RawLease,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawLease {
    namespace: Option<String>,
    name: Option<String>,
    duration: Option<String>,
    renew_deadline: Option<String>,
    retry: Option<String>,
}

/// `rightsizer`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsizerSettings {
    /// Whether the role `controllers` looks after Rightsizers.
    pub enabled: bool,
    /// How often each is looked at.
    pub interval: Duration,
    /// How many at once.
    pub concurrency: usize,
    /// Where; everywhere if `None`.
    pub namespaces: Option<Vec<String>>,
    /// The lease under which one process acts.
    pub lease: LeaseSettings,
}

/// `rightsizer.lease`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSettings {
    /// Where it is; the namespace of this pod if `None`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// How long it holds.
    pub times: LeaseTimes,
}

const NAME: &str = "heliotrope-controllers";
/// More at once would only wait for the API server.
const MOST_AT_ONCE: usize = 64;

impl RawRightsizer {
    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> RightsizerSettings {
        let seconds = SignedDuration::from_secs;
        let interval = seconds(1)..=seconds(300);
        let interval = problems.duration("interval", self.interval.as_deref(), seconds(15), interval);
        let concurrency = self.concurrency.unwrap_or(8);
        if !(1..=MOST_AT_ONCE).contains(&concurrency) {
            problems.report("concurrency", format_args!("must be from 1 to {MOST_AT_ONCE}"));
        }
        if let Some(names) = &self.namespaces {
            if names.is_empty() {
                problems.report(
                    "namespaces",
                    "names none at all: name one, or leave the key out for all",
                );
            }
            for (ix, name) in names.iter().enumerate().filter(|(_, name)| !is_name(name, 63)) {
                problems.report(
                    &format!("namespaces[{ix}]"),
                    format_args!("`{name}` is no name of a namespace"),
                );
            }
        }
        RightsizerSettings {
            enabled: self.enabled.unwrap_or(true),
            interval: interval.unsigned_abs(),
            concurrency: concurrency.clamp(1, MOST_AT_ONCE),
            namespaces: self.namespaces,
            lease: problems.within("lease", |problems| self.lease.validate(problems)),
        }
    }
}

impl RawLease {
    fn validate(self, problems: &mut Problems) -> LeaseSettings {
        let seconds = SignedDuration::from_secs;
        let durations = seconds(2)..=seconds(300);
        let duration = problems.duration("duration", self.duration.as_deref(), seconds(15), durations);
        let within = seconds(1)..=seconds(299);
        let renew_deadline = problems.duration("renewDeadline", self.renew_deadline.as_deref(), seconds(10), within);
        let within = SignedDuration::from_millis(200)..=seconds(60);
        let retry = problems.duration("retry", self.retry.as_deref(), seconds(2), within);
        if renew_deadline >= duration {
            problems.report(
                "renewDeadline",
                "must be below `duration`: whoever cannot renew stops before another may take over",
            );
        }
        if retry >= renew_deadline {
            problems.report("retry", "must be below `renewDeadline`");
        }
        let name = self.name.unwrap_or_else(|| NAME.to_owned());
        if !is_name(&name, 253) {
            problems.report("name", format_args!("`{name}` is no name of an object"));
        }
        if let Some(namespace) = self.namespace.as_ref().filter(|name| !is_name(name, 63)) {
            problems.report("namespace", format_args!("`{namespace}` is no name of a namespace"));
        }
        LeaseSettings {
            namespace: self.namespace,
            name,
            times: LeaseTimes {
                duration: duration.unsigned_abs(),
                renew_deadline: renew_deadline.unsigned_abs(),
                retry: retry.unsigned_abs(),
            },
        }
    }
}

/// Small letters, digits, `-` and, in names that are long, `.`.
fn is_name(text: &str, longest: usize) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || (longest > 63 && b == b'.');
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let framed = text.starts_with(ends) && text.ends_with(ends);
    framed && text.len() <= longest && text.bytes().all(legal)
}
