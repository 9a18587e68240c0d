//! What a key can read.

use heliotrope_core::grid::ZoneId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One thing that a plan may hold or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ability {
    /// The running period.
    Latest,
    /// The last day.
    History,
    /// Days before that.
    Past,
    /// What is predicted.
    Forecast,
}

impl Ability {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Latest, Self::History, Self::Past, Self::Forecast];

    /// The name used in metrics and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::History => "history",
            Self::Past => "past",
            Self::Forecast => "forecast",
        }
    }
}

/// What a key can read of one zone. What is not in it is not known, and is asked for to see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Access(BTreeMap<Ability, bool>);

impl Access {
    /// The same answer to each of several questions.
    pub(super) fn of(abilities: &[Ability], can: impl Fn(Ability) -> bool) -> Self {
        Self(abilities.iter().map(|ability| (*ability, can(*ability))).collect())
    }

    /// Whether the key can read it; nothing where that is not known.
    #[must_use]
    pub fn can(&self, ability: Ability) -> Option<bool> {
        self.0.get(&ability).copied()
    }

    /// Every answer that was given.
    pub fn told(&self) -> impl Iterator<Item = (Ability, bool)> {
        self.0.iter().map(|(ability, can)| (*ability, *can))
    }

    /// The names of what it can read, or cannot.
    #[must_use]
    pub fn names(&self, can: bool) -> Vec<&'static str> {
        let told = self.told().filter(|(_, told)| *told == can);
        told.map(|(ability, _)| ability.name()).collect()
    }
}

/// What a provider said about its key when it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// Its name in the settings.
    pub provider: String,
    /// What the key can read, by zone.
    pub zones: BTreeMap<ZoneId, Access>,
    /// Why that is not known.
    pub error: Option<String>,
}
