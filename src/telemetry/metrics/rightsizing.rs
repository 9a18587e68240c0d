//! What the rightsizer counts: outcomes and sums, never the name of a Rightsizer or of what it scales.

use super::labels::Outcome;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// The families of the rightsizer and of the lease that it works under.
#[derive(Debug, Clone)]
pub(super) struct Rightsizing {
    leading: Gauge,
    terms: Family<Outcome, Counter>,
    rightsizers: Gauge,
    syncs: Family<Outcome, Counter>,
    writes: Family<Outcome, Counter>,
    round: Histogram,
    rounds_late: Counter,
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

impl Rightsizing {
    pub(super) fn register(&self, r: &mut Registry) {
        let leading = self.leading.clone();
        r.register(
            "lease_leader",
            "1 while this process holds the lease of the controllers",
            leading,
        );
        let terms = self.terms.clone();
        r.register(
            "lease_terms",
            "Terms as the holder of the lease, by how they began and ended",
            terms,
        );
        let rightsizers = self.rightsizers.clone();
        r.register("rightsizers", "Rightsizers that are looked after", rightsizers);
        let syncs = self.syncs.clone();
        r.register(
            "rightsizer_syncs",
            "Looks at a Rightsizer, by what became of them",
            syncs,
        );
        let writes = self.writes.clone();
        r.register(
            "rightsizer_writes",
            "Writes for Rightsizers, by what was written and how it went",
            writes,
        );
        let round = self.round.clone();
        r.register(
            "rightsizer_round_seconds",
            "How long a look at all Rightsizers took",
            round,
        );
        let late = self.rounds_late.clone();
        r.register(
            "rightsizer_rounds_late",
            "Rounds that took longer than rightsizer.interval",
            late,
        );
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
