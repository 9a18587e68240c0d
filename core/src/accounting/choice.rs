use super::amount::Amount;
use crate::placement::{NodeCost, spreads};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A candidate that no rule refuses.
#[derive(Debug, Clone, Copy)]
pub struct Offered<'a> {
    /// Its grid zone, if known.
    pub zone: Option<&'a str>,
    /// Its GPU model, if known.
    pub model: Option<&'a str>,
    /// What it costs, if known.
    pub cost: Option<&'a NodeCost>,
}

/// What one decision had to choose from. Small and free of names, so that it outlives the rows of its candidates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// Candidates that no rule refuses.
    pub acceptable: u32,
    /// Those of them whose cost is known.
    pub priced: u32,
    /// Grid zones among the acceptable.
    pub zones: u32,
    /// GPU models among the acceptable.
    pub models: u32,
    /// Whether their costs differ by more than the band, so that scores would differ.
    pub spread: bool,
    /// What the cheapest acceptable node costs: the one that is ranked first.
    pub cheapest: Amount,
    /// The mean over the acceptable nodes that are priced: what a node drawn by lot costs.
    pub mean: Amount,
}

impl Choice {
    /// Looks the acceptable candidates over. `band` is the share within which costs are equal.
    #[must_use]
    pub fn of<'a>(acceptable: impl Iterator<Item = Offered<'a>>, band: f64) -> Self {
        let (mut zones, mut models) = (BTreeSet::new(), BTreeSet::new());
        let mut costs: Vec<&NodeCost> = Vec::new();
        let mut count = 0_u32;
        for offered in acceptable {
            count = count.saturating_add(1);
            zones.extend(offered.zone);
            models.extend(offered.model);
            costs.extend(offered.cost);
        }
        // As placement ranks: grams and what strands GPUs; where no grid has carbon in it, energy.
        let cheapest = costs
            .iter()
            .min_by(|a, b| a.total().total_cmp(&b.total()).then(a.joules.total_cmp(&b.joules)));
        let sum = costs
            .iter()
            .fold(Amount::default(), |sum, cost| sum + Amount::from(*cost));
        let mean = if costs.is_empty() {
            sum
        } else {
            sum * (1.0 / costs.len() as f64)
        };
        Self {
            acceptable: count,
            priced: u32::try_from(costs.len()).unwrap_or(u32::MAX),
            zones: u32::try_from(zones.len()).unwrap_or(u32::MAX),
            models: u32::try_from(models.len()).unwrap_or(u32::MAX),
            spread: spreads(&costs, band),
            cheapest: cheapest.map(|cost| Amount::from(*cost)).unwrap_or_default(),
            mean,
        }
    }
}
