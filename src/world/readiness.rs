use jiff::Timestamp;
use serde::Serialize;

/// Something without which answers are neutral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Nodes were not listed yet.
    Nodes,
    /// Pods were not listed yet.
    Pods,
}

impl Missing {
    /// The name shown to people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nodes => "nodes were not listed yet",
            Self::Pods => "pods were not listed yet",
        }
    }
}

/// What has been seen since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readiness {
    /// All nodes were listed once.
    pub nodes: bool,
    /// All pods were listed once.
    pub pods: bool,
    /// Since when nothing is missing.
    pub since: Option<Timestamp>,
}

impl Readiness {
    /// What is missing; empty when ready. Carbon and power are never missing here: without them answers are neutral or
    /// modelled, which is a matter for alerts and not for a restart.
    pub fn missing(self) -> impl Iterator<Item = Missing> {
        [(self.nodes, Missing::Nodes), (self.pods, Missing::Pods)]
            .into_iter()
            .filter(|(seen, _)| !seen)
            .map(|(_, missing)| missing)
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self.nodes && self.pods
    }
}
