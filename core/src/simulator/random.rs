/// Random numbers from a seed: the same seed gives the same world on every machine.
///
/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): one addition and three
/// multiplications a number, and a child stream for each part of the world, so that a change of one part leaves the others
/// as they were. Not for secrets.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

/// 2⁶⁴ divided by the golden ratio: the step of the sequence.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// A stream of its own.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A stream for one part of the world: the same seed and label give the same stream.
    #[must_use]
    pub fn of(seed: u64, label: u64) -> Self {
        let mut mixed = Self::new(seed ^ label.wrapping_mul(GAMMA));
        Self::new(mixed.bits())
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, but not including, 1.
    pub fn unit(&mut self) -> f64 {
        // 53 bits are what a float holds exactly.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below a bound; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.bits() % bound).unwrap_or(0)
    }

    /// Normal with mean 0 and deviation 1, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Log-normal around a median.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// Time to the next of events that come at random with a mean distance.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// One of the choices, in proportion to their weights.
    pub fn choose<T: Copy>(&mut self, choices: &[(T, f64)], otherwise: T) -> T {
        let mut at = self.unit() * choices.iter().map(|(_, weight)| weight).sum::<f64>();
        for (choice, weight) in choices {
            at -= weight;
            if at < 0.0 {
                return *choice;
            }
        }
        otherwise
    }

    /// A random UUID's text, version 4.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.bits(), self.bits());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48 & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// The suffix that a controller gives its pods.
    pub fn suffix(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..length)
            .filter_map(|_| LETTERS.get(self.below(LETTERS.len())))
            .map(|letter| char::from(*letter))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_the_stream() {
        let mut one = Random::of(7, 1);
        let mut again = Random::of(7, 1);
        let mut other = Random::of(7, 2);
        let first: Vec<u64> = (0..4).map(|_| one.bits()).collect();
        assert_eq!(first, (0..4).map(|_| again.bits()).collect::<Vec<_>>());
        assert_ne!(first, (0..4).map(|_| other.bits()).collect::<Vec<_>>());
    }

    #[test]
    fn the_distributions_have_their_means() {
        let mut random = Random::new(1);
        let n = 20_000;
        let mean = |sum: f64| sum / f64::from(n);
        let normal = mean((0..n).map(|_| random.normal()).sum());
        let exponential = mean((0..n).map(|_| random.exponential(3.0)).sum());
        let ones = mean((0..n).map(|_| random.choose(&[(1.0, 3.0), (0.0, 1.0)], 9.0)).sum());
        assert!(normal.abs() < 0.03, "{normal}");
        assert!((exponential - 3.0).abs() < 0.1, "{exponential}");
        assert!((ones - 0.75).abs() < 0.02, "{ones}");
    }

    #[test]
    fn a_uuid_has_its_form() {
        let uuid = Random::new(3).uuid();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
        assert!(
            uuid.split('-').nth(3).unwrap().starts_with(['8', '9', 'a', 'b']),
            "{uuid}"
        );
    }
}
