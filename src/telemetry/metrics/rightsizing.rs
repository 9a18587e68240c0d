//! What the rightsizer counts: outcomes and sums, never the name of a Rightsizer or of what it scales.

use super::labels::Outcome;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use std::time::Duration;

/// The families of the rightsizer and of the lease that it works under.
#[derive(Debug, Clone)]
pub(super) struct Rightsizing {
    pub(super) leading: Gauge,
    pub(super) terms: Family<Outcome, Counter>,
    pub(super) rightsizers: Gauge,
    pub(super) syncs: Family<Outcome, Counter>,
    pub(super) writes: Family<Outcome, Counter>,
    pub(super) round: Histogram,
    pub(super) rounds_late: Counter,
}

impl Default for Rightsizing {
    fn default() -> Self {
        Self {
            leading: Gauge::default(),
            terms: Family::default(),
            rightsizers: Gauge::default(),
            syncs: Family::default(),
            writes: Family::default(),
            // From 10 ms to 41 s by doublings: a round of one Rightsizer takes a few calls, one of hundreds some seconds.
            round: Histogram::new((0..13).map(|doubling| 10e-3 * f64::from(1_u32 << doubling))),
            rounds_late: Counter::default(),
        }
    }
}

impl super::Metrics {
    /// Whether this process holds the lease.
    pub fn leading(&self, leading: bool) {
        self.rightsizing.leading.set(i64::from(leading));
    }

    /// A term began (`elected`) or ended (`lost`, `released`).
    pub fn term(&self, outcome: &'static str) {
        self.rightsizing.terms.get_or_create(&Outcome { outcome }).inc();
    }

    /// So many Rightsizers are looked after.
    pub fn rightsizers(&self, count: usize) {
        self.rightsizing
            .rightsizers
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A Rightsizer was looked at.
    pub fn rightsized(&self, outcome: &'static str) {
        self.rightsizing.syncs.get_or_create(&Outcome { outcome }).inc();
    }

    /// Something was written for a Rightsizer.
    pub fn rightsizer_wrote(&self, outcome: &'static str) {
        self.rightsizing.writes.get_or_create(&Outcome { outcome }).inc();
    }

    /// All Rightsizers were looked at, and whether that took longer than it may.
    pub fn rightsizer_round(&self, took: Duration, late: bool) {
        self.rightsizing.round.observe(took.as_secs_f64());
        if late {
            self.rightsizing.rounds_late.inc();
        }
    }
}
