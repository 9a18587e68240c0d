//! What Heliotrope counts and measures of itself.
//!
//! Owns every metric: its name and help (`registered`), its labels (`labels`), and the calls by which rooms tell what
//! happened. Leaves as one page of OpenMetrics text. Must never take a label value from a pod, and from nodes only the
//! power domains, of which a page has 256 at most: the number of series is bounded.

mod labels;
mod registered;
mod rightsizing;

use labels::{
    Ability, ApiOutcome, CoefficientOf, Domain, DurationOf, Fetch, Outcome, Provider, Resource, Rule, RungOnly,
    SourceOnly, SourceOutcome, Verb, VerbOutcome, What, WhatOutcome, ZoneRung,
};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Float = Gauge<f64, AtomicU64>;
type Histograms = Family<Verb, Histogram, fn() -> Histogram>;

/// What one zone says now on one rung.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneSample {
    /// The zone.
    pub zone: String,
    /// Who said so.
    pub source: String,
    /// The rung.
    pub rung: &'static str,
    /// g/kWh.
    pub intensity: f64,
    /// Seconds since the value was observed or issued.
    pub age: f64,
    /// Whether decisions use this one (for Jobs, when all candidates have it).
    pub best: bool,
}

/// How many nodes stand on each power rung, and how old their samples are at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PowerNodes {
    /// Measured just now.
    pub fresh: u32,
    /// Measured some minutes ago.
    pub stale: u32,
    /// Not measured.
    pub model: u32,
    /// Watts measured, summed over fresh and stale nodes.
    pub watts: f64,
    /// Age of the oldest sample that counts, in seconds.
    pub oldest: f64,
}

/// What one power domain has to bear, in watts of GPUs.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainSample {
    /// Name of the rule.
    pub domain: String,
    /// Which domain of the rule.
    pub value: String,
    /// Its cap.
    pub cap: f64,
    /// What is drawn or may come to be drawn by what is bound.
    pub committed: f64,
    /// The part of it that telemetry cannot show yet.
    pub unseen: f64,
    /// What was promised and is not bound yet.
    pub reserved: f64,
    /// Nodes of it whose GPU model has no profile.
    pub unrated: u32,
}

/// Domains on a page: the fullest.
const MAX_DOMAINS: usize = 256;

/// Every metric that Heliotrope exports. Cloning shares them.
///
/// Label values are verbs, outcomes, rules, rungs, zones, sources and power domains: never a pod, so that the number of
/// series is bounded by the settings and by [`MAX_DOMAINS`].
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    page: Arc<Mutex<()>>,
    latency: Histograms,
    requests: Family<VerbOutcome, Counter>,
    refusals: Family<Rule, Counter>,
    groups: Family<Outcome, Counter>,
    decisions: Family<RungOnly, Counter>,
    bindings: Family<Outcome, Counter>,
    fetches: Family<Fetch, Counter>,
    budgets: Family<Provider, Gauge>,
    budgets_left: Family<Provider, Gauge>,
    access: Family<Ability, Gauge>,
    mismatches: Counter,
    power_fetches: Family<SourceOutcome, Counter>,
    implausible: Family<SourceOnly, Counter>,
    nameless: Family<SourceOnly, Counter>,
    load_reads: Family<ApiOutcome, Counter>,
    watch_errors: Family<Resource, Counter>,
    durations: Family<DurationOf, Counter>,
    history_loads: Family<WhatOutcome, Counter>,
    history_writes: Family<WhatOutcome, Counter>,
    history_bytes: Family<What, Gauge>,
    coefficient_nodes: Family<CoefficientOf, Gauge>,
    coefficient_samples: Family<CoefficientOf, Gauge>,
    learned_owners: Family<What, Gauge>,
    records_dropped: Counter,
    log_lines: Family<Outcome, Counter>,
    log_bytes: Counter,
    log_files: Gauge,
    callers: Family<Outcome, Counter>,
    events: Family<Outcome, Counter>,
    rightsizing: rightsizing::Rightsizing,
    zone_intensity: Family<ZoneRung, Float>,
    zone_age: Family<ZoneRung, Float>,
    zone_rung: Family<ZoneRung, Gauge>,
    power_nodes: Family<RungOnly, Gauge>,
    power_watts: Float,
    power_age: Float,
    domain_cap: Family<Domain, Float>,
    domain_committed: Family<Domain, Float>,
    domain_unseen: Family<Domain, Float>,
    domain_reserved: Family<Domain, Float>,
    domain_unrated: Family<Domain, Gauge>,
    domains: Gauge,
    generation: Gauge,
    snapshot_age: Float,
    nodes: Gauge,
    unknown_claims: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, verb: &'static str, outcome: &'static str, took: Duration) {
        self.latency.get_or_create(&Verb { verb }).observe(took.as_secs_f64());
        self.requests.get_or_create(&VerbOutcome { verb, outcome }).inc();
    }

    /// A pod was weighed on a rung; `none` where nothing was known.
    pub fn decided(&self, rung: &'static str) {
        self.decisions.get_or_create(&RungOnly { rung }).inc();
    }

    /// A pod was weighed over a duration that this source gave.
    pub fn expected(&self, source: &'static str) {
        self.durations.get_or_create(&DurationOf { source }).inc();
    }

    /// A kind of history was looked for at the start.
    pub fn history_loaded(&self, what: &'static str, outcome: &'static str) {
        self.history_loads.get_or_create(&WhatOutcome { what, outcome }).inc();
    }

    /// A kind of history was written, in so many bytes; `None` where it could not be.
    pub fn history_written(&self, what: &'static str, bytes: Option<u64>) {
        let outcome = if bytes.is_some() { "ok" } else { "failed" };
        self.history_writes.get_or_create(&WhatOutcome { what, outcome }).inc();
        if let Some(bytes) = bytes {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            self.history_bytes.get_or_create(&What { what }).set(bytes);
        }
    }

    /// Replaces the gauges of what was learned: nodes and samples by coefficient and source, and owners by what is known
    /// of them.
    pub fn learned(
        &self,
        coefficients: &[(&'static str, &'static str, u32, u64)],
        owners: [(&'static str, usize); 2],
    ) {
        for (coefficient, source, nodes, samples) in coefficients.iter().copied() {
            let of = CoefficientOf { coefficient, source };
            self.coefficient_nodes.get_or_create(&of).set(i64::from(nodes));
            let samples = i64::try_from(samples).unwrap_or(i64::MAX);
            self.coefficient_samples.get_or_create(&of).set(samples);
        }
        for (what, owners) in owners {
            let owners = i64::try_from(owners).unwrap_or(i64::MAX);
            self.learned_owners.get_or_create(&What { what }).set(owners);
        }
    }

    /// Filter refused nodes by a rule.
    pub fn refused(&self, rule: &'static str, nodes: u64) {
        self.refusals.get_or_create(&Rule { rule }).inc_by(nodes);
    }

    /// A region was chosen for a member of a gang.
    pub fn grouped(&self, outcome: &'static str) {
        self.groups.get_or_create(&Outcome { outcome }).inc();
    }

    /// A GPU pod was bound.
    pub fn bound(&self, outcome: &'static str) {
        self.bindings.get_or_create(&Outcome { outcome }).inc();
    }

    /// What is left of a carbon provider's calls of the hour.
    pub fn carbon_budget(&self, provider: &str, limit: u32, left: u32) {
        let labels = Provider {
            provider: provider.to_owned(),
        };
        self.budgets.get_or_create(&labels).set(i64::from(limit));
        self.budgets_left.get_or_create(&labels).set(i64::from(left));
    }

    /// Whether a carbon provider's key can read something of a zone.
    pub fn carbon_access(&self, provider: &str, zone: &str, what: &'static str, can: bool) {
        let labels = Ability {
            provider: provider.to_owned(),
            zone: zone.to_owned(),
            what,
        };
        self.access.get_or_create(&labels).set(i64::from(can));
    }

    /// A carbon provider was asked.
    pub fn fetched(&self, provider: &str, zone: &str, outcome: &'static str) {
        self.fetches
            .get_or_create(&Fetch {
                provider: provider.to_owned(),
                zone: zone.to_owned(),
                outcome,
            })
            .inc();
    }

    /// A carbon report was of another kind than the one ranked.
    pub fn mismatched(&self) {
        self.mismatches.inc();
    }

    /// A power source was asked.
    pub fn power_fetched(&self, source: &str, outcome: &'static str) {
        let source = source.to_owned();
        self.power_fetches
            .get_or_create(&SourceOutcome { source, outcome })
            .inc();
    }

    /// An API was asked for a workload's metric.
    pub fn load_read(&self, api: &'static str, outcome: &'static str) {
        self.load_reads.get_or_create(&ApiOutcome { api, outcome }).inc();
    }

    /// Power samples were refused as impossible.
    pub fn implausible(&self, source: &str, samples: u64) {
        let source = source.to_owned();
        self.implausible.get_or_create(&SourceOnly { source }).inc_by(samples);
    }

    /// Power samples were about no node or no board.
    pub fn nameless(&self, source: &str, samples: u64) {
        let source = source.to_owned();
        self.nameless.get_or_create(&SourceOnly { source }).inc_by(samples);
    }

    /// A watch was interrupted.
    pub fn watch_error(&self, resource: &'static str) {
        self.watch_errors.get_or_create(&Resource { resource }).inc();
    }

    /// A decision was not recorded.
    pub fn record_dropped(&self) {
        self.records_dropped.inc();
    }

    /// Lines of the decision log were written, dropped because the disk was behind, or failed.
    pub fn logged(&self, outcome: &'static str, lines: u64) {
        self.log_lines.get_or_create(&Outcome { outcome }).inc_by(lines);
    }

    /// Bytes were written to the decision log.
    pub fn log_bytes(&self, bytes: u64) {
        self.log_bytes.inc_by(bytes);
    }

    /// How many files the decision log has.
    pub fn log_files(&self, files: usize) {
        self.log_files.set(i64::try_from(files).unwrap_or(i64::MAX));
    }

    /// Decisions that did not reach the decision log: never recorded, dropped or failed.
    #[must_use]
    pub fn decisions_missing(&self) -> u64 {
        let lost = |outcome| self.log_lines.get_or_create(&Outcome { outcome }).get();
        self.records_dropped.get() + lost("dropped") + lost("failed")
    }

    /// A pod was bound elsewhere than preferred, and an Event was to be written.
    pub fn event(&self, outcome: &'static str) {
        self.events.get_or_create(&Outcome { outcome }).inc();
    }

    /// Somebody asked for what tells of tenants.
    pub fn caller(&self, outcome: &'static str) {
        self.callers.get_or_create(&Outcome { outcome }).inc();
    }

    /// So many pods have claims that are not known.
    pub fn unknown_claims(&self, pods: usize) {
        self.unknown_claims.set(i64::try_from(pods).unwrap_or(i64::MAX));
    }

    /// Replaces the gauges that describe the current snapshot.
    pub fn picture(&self, generation: u64, age: f64, nodes: usize, zones: &[ZoneSample], power: PowerNodes) {
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.snapshot_age.set(age);
        self.nodes.set(i64::try_from(nodes).unwrap_or(i64::MAX));
        // Cleared, so that a rung or a source that is gone does not stay on the page with its last value.
        self.zone_intensity.clear();
        self.zone_age.clear();
        self.zone_rung.clear();
        for sample in zones {
            let labels = ZoneRung {
                zone: sample.zone.clone(),
                source: sample.source.clone(),
                rung: sample.rung,
            };
            self.zone_intensity.get_or_create(&labels).set(sample.intensity);
            self.zone_age.get_or_create(&labels).set(sample.age);
            self.zone_rung.get_or_create(&labels).set(i64::from(sample.best));
        }
        for (rung, count) in [("fresh", power.fresh), ("stale", power.stale), ("model", power.model)] {
            self.power_nodes.get_or_create(&RungOnly { rung }).set(i64::from(count));
        }
        self.power_watts.set(power.watts);
        self.power_age.set(power.oldest);
    }

    /// Replaces the gauges of the power domains. Of more than [`MAX_DOMAINS`] the fullest are shown.
    pub fn domains(&self, mut samples: Vec<DomainSample>) {
        self.domains.set(i64::try_from(samples.len()).unwrap_or(i64::MAX));
        let gauges = [
            &self.domain_cap,
            &self.domain_committed,
            &self.domain_unseen,
            &self.domain_reserved,
        ];
        for family in gauges {
            family.clear();
        }
        self.domain_unrated.clear();
        if samples.len() > MAX_DOMAINS {
            let left =
                |sample: &DomainSample| (sample.cap - sample.committed - sample.reserved) / sample.cap.max(1.0);
            samples.sort_by(|a, b| left(a).total_cmp(&left(b)));
            samples.truncate(MAX_DOMAINS);
        }
        for sample in samples {
            let values = [sample.cap, sample.committed, sample.unseen, sample.reserved];
            let labels = Domain {
                domain: sample.domain,
                value: sample.value,
            };
            for (family, value) in gauges.iter().zip(values) {
                family.get_or_create(&labels).set(value);
            }
            self.domain_unrated
                .get_or_create(&labels)
                .set(i64::from(sample.unrated));
        }
    }

    /// Replaces those gauges and gives the page. One page at a time: a second reader must not find the gauges cleared.
    #[must_use]
    pub fn page(
        &self,
        (generation, age): (u64, f64),
        nodes: usize,
        zones: &[ZoneSample],
        power: PowerNodes,
        domains: Vec<DomainSample>,
    ) -> String {
        let _one = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        self.picture(generation, age, nodes, zones, power);
        self.domains(domains);
        self.exposition()
    }

    /// The exposition in OpenMetrics text.
    #[must_use]
    pub fn exposition(&self) -> String {
        let mut page = String::new();
        if text::encode(&mut page, &self.registry).is_err() {
            page.clear();
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_that_is_gone_leaves_the_page() {
        let metrics = Metrics::new();
        let sample = |rung| ZoneSample {
            zone: "GB".into(),
            source: "gb".into(),
            rung,
            intensity: 100.0,
            age: 1.0,
            best: true,
        };
        metrics.picture(1, 0.0, 3, &[sample("live")], PowerNodes::default());
        assert!(
            metrics
                .exposition()
                .contains(r#"heliotrope_carbon_best_rung{zone="GB",source="gb",rung="live"} 1"#)
        );
        metrics.picture(2, 0.0, 3, &[sample("static")], PowerNodes::default());
        assert!(!metrics.exposition().contains(r#"rung="live""#));
    }
}
