//! Every metric with its name and its help.

use super::{Float, Metrics};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;

fn latency() -> Histogram {
    // From 50 µs to 0.8 s by doublings: the scheduler's own loop takes about 1.2 ms a pod.
    Histogram::new((0..15).map(|doubling| 50e-6 * f64::from(1_u32 << doubling)))
}

impl Metrics {
    /// A fresh set.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Arc::default(),
            page: Arc::default(),
            latency: Family::new_with_constructor(latency),
            requests: Family::default(),
            refusals: Family::default(),
            groups: Family::default(),
            decisions: Family::default(),
            bindings: Family::default(),
            fetches: Family::default(),
            budgets: Family::default(),
            budgets_left: Family::default(),
            access: Family::default(),
            mismatches: Counter::default(),
            power_fetches: Family::default(),
            implausible: Family::default(),
            nameless: Family::default(),
            load_reads: Family::default(),
            watch_errors: Family::default(),
            durations: Family::default(),
            history_loads: Family::default(),
            history_writes: Family::default(),
            history_bytes: Family::default(),
            coefficient_nodes: Family::default(),
            coefficient_samples: Family::default(),
            learned_owners: Family::default(),
            records_dropped: Counter::default(),
            log_lines: Family::default(),
            log_bytes: Counter::default(),
            log_files: Gauge::default(),
            callers: Family::default(),
            events: Family::default(),
            rightsizing: super::rightsizing::Rightsizing::default(),
            zone_intensity: Family::default(),
            zone_age: Family::default(),
            zone_rung: Family::default(),
            power_nodes: Family::default(),
            power_watts: Float::default(),
            power_age: Float::default(),
            domain_cap: Family::default(),
            domain_committed: Family::default(),
            domain_unseen: Family::default(),
            domain_reserved: Family::default(),
            domain_unrated: Family::default(),
            domains: Gauge::default(),
            generation: Gauge::default(),
            snapshot_age: Float::default(),
            nodes: Gauge::default(),
            unknown_claims: Gauge::default(),
        };
        let mut registry = Registry::with_prefix("heliotrope");
        metrics.register_requests(&mut registry);
        metrics.register_sources(&mut registry);
        metrics.register_picture(&mut registry);
        metrics.register_learned(&mut registry);
        metrics.register_domains(&mut registry);
        metrics.register_rightsizing(&mut registry);
        metrics.registry = Arc::new(registry);
        metrics
    }

    /// What happened.
    fn register_requests(&self, r: &mut Registry) {
        r.register(
            "extender_request_duration_seconds",
            "Time from request head to answer, by verb",
            self.latency.clone(),
        );
        r.register(
            "extender_requests",
            "Requests of kube-scheduler, by verb and what they were answered",
            self.requests.clone(),
        );
        r.register(
            "refused_nodes",
            "Nodes refused by filter, by rule",
            self.refusals.clone(),
        );
        r.register(
            "decisions",
            "Pods weighed, by the carbon rung that their candidates were compared on",
            self.decisions.clone(),
        );
        r.register(
            "group_decisions",
            "Members of gangs for which filter chose a region, by how it was found",
            self.groups.clone(),
        );
        r.register(
            "bindings",
            "GPU pods bound, by where the node stood in our ranking",
            self.bindings.clone(),
        );
        r.register(
            "watch_errors",
            "Interruptions of the watches",
            self.watch_errors.clone(),
        );
        r.register(
            "decision_records_dropped",
            "Decisions not recorded because the writer was behind",
            self.records_dropped.clone(),
        );
        r.register(
            "decision_log_lines",
            "Lines of the decision log on the disk, by what became of them",
            self.log_lines.clone(),
        );
        r.register(
            "decision_log_bytes",
            "Bytes written to the decision log on the disk",
            self.log_bytes.clone(),
        );
        r.register(
            "decision_log_files",
            "Files of the decision log on the disk when the last one was begun",
            self.log_files.clone(),
        );
        r.register(
            "admin_callers",
            "Questions to the admin listener that tell of tenants, by whether the caller was let through",
            self.callers.clone(),
        );
        r.register(
            "pod_events",
            "Events to be written on pods bound elsewhere than preferred, by what became of them",
            self.events.clone(),
        );
    }

    /// Looking after Rightsizers, and the lease under which that is done.
    fn register_rightsizing(&self, r: &mut Registry) {
        let all = &self.rightsizing;
        r.register(
            "lease_leader",
            "1 while this process holds the lease of the controllers",
            all.leading.clone(),
        );
        r.register(
            "lease_terms",
            "Terms as the holder of that lease, by how they began and ended",
            all.terms.clone(),
        );
        r.register(
            "rightsizers",
            "Rightsizers that are looked after",
            all.rightsizers.clone(),
        );
        r.register(
            "rightsizer_syncs",
            "Looks at a Rightsizer, by what became of them",
            all.syncs.clone(),
        );
        r.register(
            "rightsizer_writes",
            "Writes for Rightsizers, by what was written and how it went",
            all.writes.clone(),
        );
        r.register(
            "rightsizer_round_seconds",
            "How long a look at all Rightsizers took",
            all.round.clone(),
        );
        r.register(
            "rightsizer_rounds_late",
            "Rounds that took longer than rightsizer.interval",
            all.rounds_late.clone(),
        );
    }

    /// What power domains have to bear.
    fn register_domains(&self, r: &mut Registry) {
        r.register("power_domains", "Power domains with a cap", self.domains.clone());
        r.register(
            "power_domain_cap_gpu_watts",
            "What the GPUs of a power domain may draw",
            self.domain_cap.clone(),
        );
        r.register(
            "power_domain_committed_gpu_watts",
            "What they draw, or may come to draw by what is bound",
            self.domain_committed.clone(),
        );
        r.register(
            "power_domain_unseen_gpu_watts",
            "The part of what is committed that telemetry cannot show yet",
            self.domain_unseen.clone(),
        );
        r.register(
            "power_domain_reserved_gpu_watts",
            "Promised to pods in answers, and not bound yet",
            self.domain_reserved.clone(),
        );
        r.register(
            "power_domain_unrated_nodes",
            "Nodes whose GPU model has no profile",
            self.domain_unrated.clone(),
        );
    }

    /// What came of asking others.
    fn register_sources(&self, r: &mut Registry) {
        r.register(
            "carbon_fetches",
            "What carbon providers were asked, by outcome; several zones that one call serves are `*`",
            self.fetches.clone(),
        );
        r.register(
            "carbon_kind_mismatches",
            "Carbon reports of another kind than the one ranked",
            self.mismatches.clone(),
        );
        r.register(
            "power_fetches",
            "What power sources were asked, by outcome",
            self.power_fetches.clone(),
        );
        r.register(
            "power_implausible_samples",
            "Power samples refused as impossible",
            self.implausible.clone(),
        );
        r.register(
            "power_nameless_samples",
            "Power samples without a node or a board",
            self.nameless.clone(),
        );
        r.register(
            "load_reads",
            "Metrics of workloads that were read, by the API that was asked and outcome",
            self.load_reads.clone(),
        );
    }

    /// How things stand.
    fn register_picture(&self, r: &mut Registry) {
        r.register(
            "carbon_intensity_grams_per_kwh",
            "Carbon intensity now, by zone, source and rung",
            self.zone_intensity.clone(),
        );
        r.register("carbon_age_seconds", "Age of that value", self.zone_age.clone());
        r.register(
            "carbon_best_rung",
            "1 on the best rung that a zone has, 0 on the others",
            self.zone_rung.clone(),
        );
        r.register(
            "carbon_calls_per_hour",
            "Calls that a carbon provider may get in an hour",
            self.budgets.clone(),
        );
        r.register(
            "carbon_calls_left",
            "Calls left of those of the last hour",
            self.budgets_left.clone(),
        );
        r.register(
            "carbon_access",
            "Whether the key of a carbon provider can read something of a zone",
            self.access.clone(),
        );
        r.register(
            "power_nodes",
            "Nodes, by how good their power figure is",
            self.power_nodes.clone(),
        );
        r.register(
            "power_measured_watts",
            "Watts measured over all nodes with a fresh or stale sample",
            self.power_watts.clone(),
        );
        r.register(
            "power_oldest_sample_seconds",
            "Age of the oldest power sample that counts",
            self.power_age.clone(),
        );
        r.register(
            "snapshot_generation",
            "Number of the current snapshot",
            self.generation.clone(),
        );
        r.register(
            "snapshot_age_seconds",
            "Age of the current snapshot",
            self.snapshot_age.clone(),
        );
        r.register("nodes", "Nodes in the current snapshot", self.nodes.clone());
        r.register(
            "pods_with_unknown_claims",
            "Pods with a resource claim that is not known, so that nobody knows whether it is for GPUs",
            self.unknown_claims.clone(),
        );
    }

    /// What was learned and what is kept of it.
    fn register_learned(&self, r: &mut Registry) {
        r.register(
            "durations",
            "Pods weighed, by who said how long they run",
            self.durations.clone(),
        );
        r.register(
            "history_loads",
            "What became of the kept history at the start",
            self.history_loads.clone(),
        );
        r.register(
            "history_writes",
            "What became of writing the history",
            self.history_writes.clone(),
        );
        r.register("history_bytes", "Size of the kept history", self.history_bytes.clone());
        r.register(
            "coefficient_nodes",
            "Nodes, by where a coefficient of their boards comes from",
            self.coefficient_nodes.clone(),
        );
        r.register(
            "coefficient_samples",
            "Samples behind these coefficients, over all nodes",
            self.coefficient_samples.clone(),
        );
        r.register(
            "learned_owners",
            "Owners of pods of which something is known",
            self.learned_owners.clone(),
        );
    }
}
