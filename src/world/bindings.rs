use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where the node that a pod was bound to stood in our ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BindOutcome {
    /// The cheapest.
    Top,
    /// As good as the cheapest.
    InBand,
    /// Other scores won.
    Outvoted,
    /// We did not offer it.
    NotOffered,
    /// Nothing was known of its cost, or is any more: the log keeps the cheapest when it is full.
    Unpriced,
    /// The pod was none of ours to steer.
    Exempt,
    /// The scheduler never asked about the pod.
    Bypassed,
}

impl BindOutcome {
    /// The name used in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Top => "top",
            Self::InBand => "in-band",
            Self::Outvoted => "outvoted",
            Self::NotOffered => "not-offered",
            Self::Unpriced => "unpriced",
            Self::Exempt => "exempt",
            Self::Bypassed => "bypassed",
        }
    }
}

/// A pod that we steered, and that was bound elsewhere than we preferred.
#[derive(Debug, Clone, PartialEq)]
pub struct Strayed {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its UID.
    pub uid: Arc<str>,
    /// Where it is.
    pub node: Arc<str>,
    /// Where we would have had it.
    pub preferred: Arc<str>,
    /// Grams there and grams as preferred, where both are known.
    pub grams: Option<(f64, f64)>,
    /// When that was seen.
    pub at: Timestamp,
}
