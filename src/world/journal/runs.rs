use serde::{Deserialize, Serialize};

/// Places in a list, written as pairs: how many are passed over, how many are taken. Places in rising order make it short,
/// any order can be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Runs(Vec<i64>);

impl Runs {
    /// The places, `most` of them at the most: a file may say anything.
    pub(super) fn places(&self, most: usize) -> Vec<usize> {
        let mut at = 0_i64;
        let mut places = Vec::new();
        for (turn, count) in self.0.iter().enumerate() {
            if turn % 2 == 0 {
                at = at.saturating_add(*count);
                continue;
            }
            let end = at.saturating_add(*count);
            let room = most.saturating_sub(places.len());
            places.extend((at..end).take(room).filter_map(|place| usize::try_from(place).ok()));
            at = end;
        }
        places
    }
}

impl FromIterator<usize> for Runs {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        let mut runs = Self::default();
        let mut next = 0_i64;
        for place in places {
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            match runs.0.last_mut() {
                Some(taken) if place == next => *taken += 1,
                _ => runs.0.extend([place - next, 1]),
            }
            next = place.saturating_add(1);
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stretch_is_two_numbers() {
        let runs: Runs = (0..1000).collect();
        assert_eq!(serde_json::to_string(&runs).unwrap(), "[0,1000]");
        let runs: Runs = [3, 4, 9].into_iter().collect();
        assert_eq!(serde_json::to_string(&runs).unwrap(), "[3,2,4,1]");
    }

    #[test]
    fn a_file_that_says_anything_costs_no_memory() {
        let absurd: Runs = serde_json::from_str("[0,9223372036854775807,9223372036854775807,9]").unwrap();
        assert_eq!(absurd.places(5), [0, 1, 2, 3, 4]);
    }

    proptest! {
        #[test]
        fn any_order_comes_back(places in proptest::collection::vec(0_usize..50, 0..40)) {
            let runs: Runs = places.iter().copied().collect();
            prop_assert_eq!(runs.places(40), places);
        }
    }
}
