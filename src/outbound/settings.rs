//! `outbound` in the settings file.

use crate::settings::Problems;
use jiff::SignedDuration;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// `outbound`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawOutbound {
    /// Hosts that may be called besides those that the file names.
    pub allow_hosts: Option<Vec<String>>,
    /// Hosts that may be called without TLS.
    pub allow_plain_http: Option<Vec<String>>,
    /// A call that takes longer is given up.
    pub timeout: Option<String>,
    /// A longer answer is given up.
    pub max_response_bytes: Option<usize>,
}

/// `outbound`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundSettings {
    /// Hosts that may be called.
    pub allow_hosts: BTreeSet<String>,
    /// Hosts that may be called without TLS.
    pub allow_plain_http: BTreeSet<String>,
    /// A call that takes longer is given up.
    pub timeout: Duration,
    /// A longer answer is given up.
    pub max_response_bytes: usize,
}

impl RawOutbound {
    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> OutboundSettings {
        let bounds = SignedDuration::from_millis(100)..=SignedDuration::from_secs(120);
        let timeout = problems.duration(
            "timeout",
            self.timeout.as_deref(),
            SignedDuration::from_secs(10),
            bounds,
        );
        let max_response_bytes = self.max_response_bytes.unwrap_or(8 * 1024 * 1024);
        if max_response_bytes < 1024 {
            problems.report("maxResponseBytes", "must be at least 1024");
        }
        let hosts = |key: &str, list: Option<Vec<String>>, problems: &mut Problems| {
            let list = list.unwrap_or_default();
            for host in list.iter().filter(|host| host.is_empty() || host.contains('/')) {
                problems.report(
                    key,
                    format_args!("`{host}` is not a host: write a name without scheme, port or path"),
                );
            }
            list.into_iter().collect::<BTreeSet<String>>()
        };
        OutboundSettings {
            allow_hosts: hosts("allowHosts", self.allow_hosts, problems),
            allow_plain_http: hosts("allowPlainHttp", self.allow_plain_http, problems),
            timeout: timeout.unsigned_abs(),
            max_response_bytes,
        }
    }
}
