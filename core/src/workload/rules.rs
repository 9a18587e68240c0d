use super::group::GroupKind;
use crate::grid::ZoneId;
use crate::quantity::Ratio;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;

/// How strongly Heliotrope steers a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Not at all: every answer is neutral.
    Off,
    /// Answers neutrally, records what it would have said.
    Shadow,
    /// Scores nodes, refuses only what the administrator refuses.
    Prefer,
    /// Also refuses nodes outside the band of the best.
    Strict,
}

impl FromStr for Mode {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "off" => Ok(Self::Off),
            "shadow" => Ok(Self::Shadow),
            "prefer" => Ok(Self::Prefer),
            "strict" => Ok(Self::Strict),
            _ => Err(()),
        }
    }
}

impl Mode {
    /// The name used in settings, annotations and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::Prefer => "prefer",
            Self::Strict => "strict",
        }
    }

    /// Whether answers change where pods go; else they are neutral.
    #[must_use]
    pub fn steers(self) -> bool {
        self >= Self::Prefer
    }
}

/// What the administrator decided for the pods of a namespace, and how far a pod may bend it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkloadRules {
    /// Mode of pods that say nothing.
    pub mode: Mode,
    /// Modes that a pod may choose instead.
    pub selectable_modes: BTreeSet<Mode>,
    /// The only zones allowed; `None` allows all.
    pub allow_zones: Option<BTreeSet<ZoneId>>,
    /// Zones refused.
    pub deny_zones: BTreeSet<ZoneId>,
    /// Run time of a Job that says nothing, on the reference model.
    pub job_duration: SignedDuration,
    /// Horizon over which a service is judged.
    pub service_horizon: SignedDuration,
    /// Horizon over which a place is judged where a volume is made that keeps its pods there.
    pub volume_horizon: SignedDuration,
    /// Longest duration that is believed.
    pub max_duration: SignedDuration,
    /// GPU utilisation of pods that say nothing.
    pub utilisation: Ratio,
    /// What counts as a gang: its pods get one region.
    pub groups: BTreeSet<GroupKind>,
}

impl Default for WorkloadRules {
    /// Shadow, as an operator should meet it first. The durations and the utilisation are assumptions, not findings.
    /// A Job counts as a gang only where its pods are ranks: keeping a thousand independent tasks in one region would
    /// serve nobody.
    fn default() -> Self {
        Self {
            mode: Mode::Shadow,
            selectable_modes: BTreeSet::new(),
            allow_zones: None,
            deny_zones: BTreeSet::new(),
            job_duration: SignedDuration::from_hours(1),
            service_horizon: SignedDuration::from_hours(24),
            volume_horizon: SignedDuration::from_hours(24 * 365),
            max_duration: SignedDuration::from_hours(24 * 14),
            utilisation: Ratio::saturating(0.7),
            groups: GroupKind::ALL
                .into_iter()
                .filter(|kind| *kind != GroupKind::Job)
                .collect(),
        }
    }
}

/// Rules by namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Namespaces {
    /// For every namespace not named.
    pub default: WorkloadRules,
    /// For the namespaces named.
    pub named: std::collections::BTreeMap<String, WorkloadRules>,
    /// Namespaces that Heliotrope never touches.
    pub exempt: BTreeSet<String>,
}

impl Namespaces {
    /// The rules of a namespace.
    #[must_use]
    pub fn rules(&self, namespace: &str) -> &WorkloadRules {
        self.named.get(namespace).unwrap_or(&self.default)
    }
}
