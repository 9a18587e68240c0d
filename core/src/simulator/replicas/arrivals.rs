use super::series::StepSeries;
use crate::simulator::random::Random;

/// Requests of every second. A window's rate holds for all of its seconds, and how many come in each is random, as of
/// clients that know nothing of each other. The same seed gives the same seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals(Vec<u32>);

/// Which stream of the seed this is.
const LABEL: u64 = 0x6c6f_6164;
/// From this mean on, a count is drawn from the normal distribution of the same mean and variance.
const LARGE: f64 = 50.0;

impl Arrivals {
    /// Draws the seconds of a series.
    #[must_use]
    pub fn of(series: &StepSeries, seed: u64) -> Self {
        let mut random = Random::of(seed, LABEL);
        let seconds = 0..series.seconds();
        Self(seconds.map(|second| poisson(&mut random, series.at(second))).collect())
    }

    /// The counts in order.
    #[must_use]
    pub fn seconds(&self) -> &[u32] {
        &self.0
    }
}

fn poisson(random: &mut Random, mean: f64) -> u32 {
    if mean >= LARGE {
        let drawn = (mean + mean.sqrt() * random.normal()).round().max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rates are at most 1e7"
        )]
        let whole = drawn as u32;
        return whole;
    }
    // The product of uniform numbers falls below e^-mean after as many as a Poisson count (Knuth, vol. 2, 3.4.1).
    let (end, mut product, mut count) = ((-mean).exp(), random.unit(), 0);
    while product > end {
        product *= random.unit();
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::replicas::series::Column;

    #[test]
    fn seconds_have_the_mean_and_the_variance_of_their_window() {
        for mean in [0.0, 3.0, 800.0] {
            let text = format!("window_start_seconds,requests_per_second\n0,{mean}\n20000,{mean}\n");
            let series = StepSeries::parse(&text, Column::RequestsPerSecond).unwrap();
            let drawn = Arrivals::of(&series, 1);
            assert_eq!(drawn, Arrivals::of(&series, 1));
            let counts: Vec<f64> = drawn.seconds().iter().map(|count| f64::from(*count)).collect();
            let found = counts.iter().sum::<f64>() / counts.len() as f64;
            let variance = counts.iter().map(|count| (count - found).powi(2)).sum::<f64>() / counts.len() as f64;
            assert!((found - mean).abs() <= 0.02 * mean, "{found} instead of {mean}");
            assert!(
                (variance - mean).abs() <= 0.05 * mean,
                "variance {variance} instead of {mean}"
            );
        }
    }
}
