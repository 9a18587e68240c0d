//! `extender` in the settings file.

use crate::settings::Problems;
use jiff::SignedDuration;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// `extender`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawExtender {
    /// Address and port to listen on.
    pub listen: Option<String>,
    /// An answer that would come later than this is neutral.
    pub deadline: Option<String>,
    /// A longer body is refused.
    pub max_body_bytes: Option<usize>,
    /// More requests than this at once are answered neutrally.
    pub max_in_flight: Option<usize>,
    /// What becomes of a pod that cannot be judged.
    pub unjudged: Option<String>,
}

/// What becomes of a pod that cannot be judged now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unjudgeable {
    /// A neutral answer: it may go anywhere.
    #[default]
    Pass,
    /// An error: `ignorable` in the scheduler's configuration says what follows.
    Fail,
}

/// `extender`, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtenderSettings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// An answer that would come later than this is neutral.
    pub deadline: Duration,
    /// A longer body is refused.
    pub max_body_bytes: usize,
    /// More requests than this at once are answered neutrally.
    pub max_in_flight: usize,
    /// What becomes of a pod that cannot be judged.
    pub unjudged: Unjudgeable,
}

/// The largest legal pod is 1.5 MiB, and 5,000 names of 44 bytes are 0.22 MB.
const SMALLEST_BODY_CAP: usize = 2 * 1024 * 1024;

impl Default for ExtenderSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8650)),
            deadline: Duration::from_millis(300),
            max_body_bytes: 8 * 1024 * 1024,
            max_in_flight: 64,
            unjudged: Unjudgeable::Pass,
        }
    }
}

impl RawExtender {
    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> ExtenderSettings {
        let defaults = ExtenderSettings::default();
        let bounds = SignedDuration::from_millis(10)..=SignedDuration::from_secs(30);
        let deadline = problems.duration(
            "deadline",
            self.deadline.as_deref(),
            SignedDuration::from_millis(300),
            bounds,
        );
        let max_body_bytes = self.max_body_bytes.unwrap_or(defaults.max_body_bytes);
        if max_body_bytes < SMALLEST_BODY_CAP {
            problems.report(
                "maxBodyBytes",
                format_args!("must be at least {SMALLEST_BODY_CAP}: a legal pod and 5,000 names"),
            );
        }
        let max_in_flight = self.max_in_flight.unwrap_or(defaults.max_in_flight);
        if max_in_flight == 0 {
            problems.report("maxInFlight", "must be at least 1");
        }
        let unjudged = match self.unjudged.as_deref() {
            None => defaults.unjudged,
            Some("pass") => Unjudgeable::Pass,
            Some("fail") => Unjudgeable::Fail,
            Some(_) => {
                problems.report("unjudged", "must be pass or fail");
                defaults.unjudged
            }
        };
        ExtenderSettings {
            listen: problems.read("listen", self.listen.as_deref(), defaults.listen),
            deadline: deadline.unsigned_abs(),
            max_body_bytes,
            max_in_flight,
            unjudged,
        }
    }
}
