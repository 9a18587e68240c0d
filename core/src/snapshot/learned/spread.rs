use crate::quantity::Watts;
use serde::{Deserialize, Serialize};

/// Ratio of one bin's edge to the one below: a quantile is at most 4 % above the true one, and never below it.
const GAMMA: f64 = 1.04;
/// Above this the counts are halved: old samples fade, a week of one board at two samples a minute weighs no more than
/// the week after it.
const MAX_SAMPLES: u32 = 20_000;

/// How watts were distributed: counts in bins whose edges grow by 4 %, the first up to 1 W.
///
/// A histogram, not a window of samples: a window that spans a service's day would be thousands of numbers an owner, and a
/// sketch from a crate keeps its bins densely, forgets nothing and writes a form of its own. This one is the same
/// whatever the order of the samples (until it fades), takes at most 256 numbers, and errs to the safe side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct WattSpread {
    /// Bin and count, by bin.
    bins: Vec<(u8, u32)>,
}

impl WattSpread {
    /// Takes a sample in.
    pub(super) fn add(&mut self, watts: Watts) {
        let bin = bin(watts);
        match self.bins.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(place) => {
                if let Some((_, count)) = self.bins.get_mut(place) {
                    *count = count.saturating_add(1);
                }
            }
            Err(place) => self.bins.insert(place, (bin, 1)),
        }
        if self.samples() >= MAX_SAMPLES {
            for (_, count) in &mut self.bins {
                *count /= 2;
            }
            self.bins.retain(|(_, count)| *count > 0);
        }
    }

    /// How many samples it stands for.
    pub(super) fn samples(&self) -> u32 {
        self.bins.iter().map(|(_, count)| *count).fold(0, u32::saturating_add)
    }

    /// The least edge that at least this share of the samples is not above.
    pub(super) fn quantile(&self, share: f64) -> Option<Watts> {
        let needed = (f64::from(self.samples()) * share).ceil().max(1.0);
        let mut below = 0.0;
        self.bins.iter().find_map(|(bin, count)| {
            below += f64::from(*count);
            (below >= needed).then(|| Watts::saturating(GAMMA.powi(i32::from(*bin))))
        })
    }

    /// What was read from a file, if it can have been written by us.
    pub(super) fn checked(self) -> Option<Self> {
        let ascending = self.bins.iter().zip(self.bins.iter().skip(1)).all(|(a, b)| a.0 < b.0);
        let counted = self.bins.iter().all(|(_, count)| *count > 0) && self.samples() < MAX_SAMPLES;
        (ascending && counted && !self.bins.is_empty()).then_some(self)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what the type holds"
)]
fn bin(watts: Watts) -> u8 {
    let bin = (watts.get().max(1.0).ln() / GAMMA.ln() - 1e-9).ceil();
    bin.clamp(0.0, f64::from(u8::MAX)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread(samples: &[f64]) -> WattSpread {
        let mut spread = WattSpread::default();
        for watts in samples {
            spread.add(Watts::saturating(*watts));
        }
        spread
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(spread(&[]).quantile(0.95), None);
    }

    #[test]
    fn old_samples_fade() {
        let mut spread = spread(&vec![100.0; 30_000]);
        for _ in 0..60_000 {
            spread.add(Watts::saturating(400.0));
        }
        assert!(spread.quantile(0.05).unwrap().get() > 390.0, "{spread:?}");
    }

    proptest! {
        #[test]
        fn a_quantile_is_the_true_one_or_at_most_a_bin_above_it(
            samples in prop::collection::vec(1.0_f64..3000.0, 1..300), share in 0.01_f64..1.0,
        ) {
            let mut sorted = samples.clone();
            sorted.sort_by(f64::total_cmp);
            let rank = (sorted.len() as f64 * share).ceil().max(1.0);
            let truth = sorted.iter().zip(1_u32..).find(|(_, place)| f64::from(*place) >= rank).unwrap().0;
            let told = spread(&samples).quantile(share).unwrap().get();
            prop_assert!(*truth <= told * (1.0 + 1e-6) && told <= truth * GAMMA * (1.0 + 1e-6), "{truth} told as {told}");
        }

        #[test]
        fn the_order_of_the_samples_does_not_matter(samples in prop::collection::vec(0.0_f64..5000.0, 0..200)) {
            let mut turned = samples.clone();
            turned.reverse();
            prop_assert_eq!(spread(&samples), spread(&turned));
        }

        #[test]
        fn a_larger_share_is_never_less(samples in prop::collection::vec(0.0_f64..3000.0, 1..100), a in 0.0_f64..1.0, b in 0.0_f64..1.0) {
            let spread = spread(&samples);
            prop_assert!(spread.quantile(a.min(b)) <= spread.quantile(a.max(b)));
        }

        #[test]
        fn g9_a_spread_is_never_more_than_256_bins(samples in prop::collection::vec(0.0_f64..1e9, 0..2000)) {
            let spread = spread(&samples);
            prop_assert!(spread.bins.len() <= 256 && spread.samples() < MAX_SAMPLES);
            prop_assert!(samples.is_empty() || spread.clone().checked() == Some(spread));
        }
    }
}
