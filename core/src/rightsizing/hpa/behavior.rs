use super::memory::ScaleEvent;
use super::{Replicas, ceil};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What a policy's value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyKind {
    /// Pods.
    Pods,
    /// Per cent of the replicas at the beginning of the period.
    Percent,
}

/// How much may change within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What `value` counts.
    pub kind: PolicyKind,
    /// How many.
    pub value: i32,
    /// `periodSeconds`.
    pub period: i32,
}

/// Which of several policies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Select {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest.
    Min,
    /// None: this direction is closed.
    Disabled,
}

/// The rules of one direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// `stabilizationWindowSeconds`.
    pub window: i32,
    /// `selectPolicy`.
    pub select: Select,
    /// `policies`.
    pub policies: Vec<Policy>,
    /// `tolerance`.
    #[serde(default)]
    pub tolerance: Option<f64>,
}

/// `spec.behavior`, complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Behavior {
    /// `scaleUp`.
    pub up: Rules,
    /// `scaleDown`.
    pub down: Rules,
}

impl Rules {
    /// The longest of the policies' periods, in seconds.
    pub(super) fn longest_period(&self) -> i32 {
        self.policies.iter().map(|policy| policy.period).max().unwrap_or(0)
    }
}

impl Behavior {
    /// What the API server fills in, with the controller's flag for the window on the way down, in seconds.
    #[must_use]
    pub fn filled(downscale_stabilisation: i32) -> Self {
        let policy = |kind, value| Policy {
            kind,
            value,
            period: 15,
        };
        Self {
            up: Rules {
                window: 0,
                select: Select::Max,
                policies: vec![policy(PolicyKind::Pods, 4), policy(PolicyKind::Percent, 100)],
                tolerance: None,
            },
            down: Rules {
                window: downscale_stabilisation,
                select: Select::Max,
                policies: vec![policy(PolicyKind::Percent, 100)],
                tolerance: None,
            },
        }
    }
}

/// Replicas at the beginning of each policy's period, seen from now.
pub(super) struct Periods<'a> {
    pub(super) current: Replicas,
    pub(super) events: &'a [ScaleEvent],
    pub(super) now: Timestamp,
}

impl Periods<'_> {
    fn start(&self, policy: &Policy) -> Replicas {
        let since = self.now.saturating_sub(SignedDuration::from_secs(policy.period.into()));
        let since = since.unwrap_or(Timestamp::MIN);
        let recent = self.events.iter().filter(|event| event.at > since);
        recent.fold(self.current, |replicas, event| replicas.saturating_sub(event.change))
    }

    /// The most replicas that the rules allow on the way up.
    pub(super) fn most(&self, rules: &Rules) -> Replicas {
        let allowed = rules.policies.iter().map(|policy| match policy.kind {
            PolicyKind::Pods => self.start(policy).saturating_add(policy.value),
            // Rounded up, or a small share of few replicas would never allow one more.
            PolicyKind::Percent => ceil(f64::from(self.start(policy)) * (1.0 + f64::from(policy.value) / 100.0)),
        });
        match rules.select {
            Select::Disabled => self.current,
            Select::Max => allowed.max().unwrap_or(Replicas::MIN),
            Select::Min => allowed.min().unwrap_or(Replicas::MAX),
        }
    }

    /// The fewest replicas that the rules allow on the way down.
    pub(super) fn fewest(&self, rules: &Rules) -> Replicas {
        let allowed = rules.policies.iter().map(|policy| match policy.kind {
            PolicyKind::Pods => self.start(policy).saturating_sub(policy.value),
            PolicyKind::Percent => whole(f64::from(self.start(policy)) * (1.0 - f64::from(policy.value) / 100.0)),
        });
        match rules.select {
            Select::Disabled => self.current,
            Select::Max => allowed.min().unwrap_or(Replicas::MAX),
            Select::Min => allowed.max().unwrap_or(Replicas::MIN),
        }
    }
}

fn whole(replicas: f64) -> Replicas {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cut to whole replicas, as the controller does"
    )]
    let whole = replicas as Replicas;
    whole
}
