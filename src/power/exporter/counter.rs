//! Energy counters of a page become watts by the page before.

use crate::outbound::TimedSample;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};

type Series = (String, BTreeMap<String, String>);

/// Two readings that are nearer say nothing: exporters refresh every few seconds.
const NEAREST: SignedDuration = SignedDuration::from_secs(1);

/// The last value of every counter of one target, no more than its last page had.
#[derive(Debug, Default)]
pub(super) struct Counters {
    last: HashMap<Series, (f64, Timestamp)>,
}

impl Counters {
    /// Growth a second since the page before, for the counters that were in it. A counter that fell was set back, by a
    /// restart or because it is full: how much it had counted until then nobody knows, so it starts anew. So does one that
    /// was not seen for `longest`, over which a mean says nothing of now.
    pub(super) fn rates(
        &mut self,
        samples: Vec<(String, TimedSample)>,
        longest: SignedDuration,
    ) -> Vec<(String, TimedSample)> {
        let mut next = HashMap::with_capacity(samples.len());
        let mut rates = Vec::new();
        for (metric, sample) in samples {
            let key = (metric.clone(), sample.labels.clone());
            let now = (sample.value, sample.observed_at);
            let Some(&(value, at)) = self.last.get(&key) else {
                next.insert(key, now);
                continue;
            };
            let passed = sample.observed_at.duration_since(at);
            if passed < NEAREST && passed >= SignedDuration::ZERO && sample.value >= value {
                next.insert(key, (value, at));
                continue;
            }
            next.insert(key, now);
            if sample.value >= value && passed >= NEAREST && passed <= longest {
                let value = (sample.value - value) / passed.as_secs_f64();
                rates.push((metric, TimedSample { value, ..sample }));
            }
        }
        self.last = next;
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(at: i64, values: &[(&str, f64)]) -> Vec<(String, TimedSample)> {
        let sample = |(id, value): &(&str, f64)| {
            let sample = TimedSample {
                labels: BTreeMap::from([("id".to_owned(), (*id).to_owned())]),
                value: *value,
                observed_at: Timestamp::from_millisecond(1_800_000_000_000 + at).unwrap(),
            };
            ("joules".to_owned(), sample)
        };
        values.iter().map(sample).collect()
    }

    fn rates(counters: &mut Counters, at: i64, values: &[(&str, f64)]) -> Vec<f64> {
        let rates = counters.rates(page(at, values), SignedDuration::from_secs(300));
        rates.into_iter().map(|(_, sample)| sample.value).collect()
    }

    #[test]
    fn growth_is_power_and_a_reset_says_nothing() {
        let mut counters = Counters::default();
        assert!(
            rates(&mut counters, 0, &[("a", 1e6)]).is_empty(),
            "one page says nothing"
        );
        assert_eq!(
            rates(&mut counters, 10_000, &[("a", 1e6 + 4000.0), ("b", 7.0)]),
            [400.0]
        );
        assert_eq!(
            rates(&mut counters, 20_000, &[("a", 50.0), ("b", 7.0)]),
            [0.0],
            "a was set back, b stands"
        );
        assert_eq!(rates(&mut counters, 30_000, &[("a", 3050.0)]), [300.0]);
        assert!(rates(&mut counters, 40_000, &[("b", 8.0)]).is_empty(), "b was away");
    }

    #[test]
    fn a_page_that_comes_again_at_once_or_much_later_gives_no_rate() {
        let mut counters = Counters::default();
        rates(&mut counters, 0, &[("a", 0.0)]);
        assert!(rates(&mut counters, 500, &[("a", 400.0)]).is_empty());
        assert_eq!(
            rates(&mut counters, 1000, &[("a", 400.0)]),
            [400.0],
            "from the page before both"
        );
        assert!(
            rates(&mut counters, 400_000, &[("a", 9e9)]).is_empty(),
            "a mean over six minutes is not now"
        );
        assert_eq!(rates(&mut counters, 401_000, &[("a", 9e9 + 100.0)]), [100.0]);
    }
}
