use super::bindings::Strayed;
use super::journal::{Bound, Entry, JournalSender};
use super::readiness::Readiness;
use super::record::{Record, Stage};
use super::{World, account};
use crate::history::{Keeper, Kept};
use crate::telemetry::{Clock, Metrics};
use heliotrope_core::quantity::Ratio;
use heliotrope_core::snapshot::{CarbonReport, ClusterEvent, PowerReport, SnapshotBuilder, Surroundings};
use heliotrope_core::workload::{OwnerKind, PodFacts};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Shortest time between two snapshots: a burst of events becomes one picture.
const MIN_INTERVAL: Duration = Duration::from_millis(20);
/// Longest time between two snapshots: rungs and ages move even when nothing happens.
const MAX_INTERVAL: Duration = Duration::from_secs(5);
/// Building may take this share of the writer's time at most.
const BUILD_SHARE: u32 = 5;
/// Events taken at once.
const BATCH: usize = 1024;

/// Where edges send what they see.
#[derive(Debug, Clone)]
pub struct Senders {
    /// Carbon providers.
    pub carbon: mpsc::Sender<CarbonReport>,
    /// Power sources.
    pub power: mpsc::Sender<PowerReport>,
    /// Watches.
    pub cluster: mpsc::Sender<ClusterEvent>,
    /// The extender; `try_send` only.
    pub records: mpsc::Sender<Record>,
}

/// Where the writer hears it.
#[derive(Debug)]
pub struct Inbox {
    carbon: mpsc::Receiver<CarbonReport>,
    power: mpsc::Receiver<PowerReport>,
    cluster: mpsc::Receiver<ClusterEvent>,
    records: mpsc::Receiver<Record>,
}

/// The two ends of the writer's channels.
#[must_use]
pub fn channels() -> (Senders, Inbox) {
    let (carbon, carbon_in) = mpsc::channel(256);
    let (power, power_in) = mpsc::channel(16);
    let (cluster, cluster_in) = mpsc::channel(4 * BATCH);
    let (records, records_in) = mpsc::channel(256);
    let inbox = Inbox {
        carbon: carbon_in,
        power: power_in,
        cluster: cluster_in,
        records: records_in,
    };
    (
        Senders {
            carbon,
            power,
            cluster,
            records,
        },
        inbox,
    )
}

/// The one task that writes the world.
pub struct Writer {
    world: Arc<World>,
    builder: SnapshotBuilder,
    /// Tables and figures, and the band of the policy; replaced when settings are loaded anew.
    surroundings: watch::Receiver<(Surroundings, f64)>,
    clock: Clock,
    metrics: Metrics,
    /// Where to leave what is to be kept, and when next.
    keeping: Option<(Keeper, Instant)>,
    /// The log on the disk, if there is one.
    journal: Option<JournalSender>,
    /// Who wants to know of pods that were bound elsewhere than preferred, if anybody does.
    strayed: Option<mpsc::Sender<Strayed>>,
    readiness: Readiness,
    /// UIDs of the pods with GPUs or claims seen bound, so that each is counted once.
    bound: HashSet<Arc<str>>,
    /// Pods bound of which it is not known yet whether their claims are for GPUs.
    undecided: HashMap<Arc<str>, Box<PodFacts>>,
    /// Those of them seen since a watch started anew: a pod that went away meanwhile is never told of again.
    relisted: Option<HashSet<Arc<str>>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// A writer with its world.
    #[must_use]
    pub fn new(
        surroundings: watch::Receiver<(Surroundings, f64)>,
        clock: Clock,
        metrics: Metrics,
    ) -> (Self, Arc<World>) {
        let mut builder = SnapshotBuilder::new(surroundings.borrow().0.clone());
        let world = Arc::new(World::new(builder.build(clock())));
        let writer = Self {
            world: Arc::clone(&world),
            builder,
            surroundings,
            clock,
            metrics,
            keeping: None,
            journal: None,
            strayed: None,
            readiness: Readiness::default(),
            bound: HashSet::new(),
            undecided: HashMap::new(),
            relisted: None,
        };
        (writer, world)
    }

    /// Takes back what was kept, and keeps what comes.
    #[must_use]
    pub fn remembering(mut self, kept: Kept, keeper: Option<Keeper>) -> Self {
        if let Some(book) = kept.report {
            *self.world.book() = book;
        }
        if let Some(record) = kept.learned {
            let zones = record.zones();
            self.builder.restore(record, (self.clock)());
            let learned = self.builder.learned();
            let (nodes, owners, runners) = (learned.nodes(), learned.owners(), learned.runners());
            tracing::info!(zones, nodes, owners, runners, "history taken back");
        }
        self.keeping = keeper.map(|keeper| {
            let first = Instant::now() + keeper.interval;
            (keeper, first)
        });
        self
    }

    fn kept(&self) -> Kept {
        Kept {
            learned: Some(self.builder.record((self.clock)())),
            report: Some(self.world.book().clone()),
        }
    }

    /// Leaves a record when it is time. One that is still being written is not waited for.
    fn keep(&mut self) {
        let now = Instant::now();
        let Some((keeper, next)) = self.keeping.take_if(|(_, next)| *next <= now) else {
            return;
        };
        let next = match keeper.out.try_reserve() {
            Ok(place) => {
                place.send(self.kept());
                now + keeper.interval
            }
            Err(_) => next,
        };
        self.keeping = Some((keeper, next));
    }

    /// Leaves the last record, and waits until it is taken.
    async fn keep_last(&mut self) {
        if let Some((keeper, _)) = self.keeping.take()
            && keeper.out.send(self.kept()).await.is_err()
        {
            tracing::warn!("the last history was not written");
        }
    }

    /// Tells somebody of pods that were steered and bound elsewhere. Who is behind misses some.
    #[must_use]
    pub fn with_strayed(mut self, strayed: Option<mpsc::Sender<Strayed>>) -> Self {
        self.strayed = strayed;
        self
    }

    /// Tells the log on the disk as well.
    #[must_use]
    pub fn with_journal(mut self, journal: Option<JournalSender>) -> Self {
        self.world.journalled.store(journal.is_some(), Ordering::Relaxed);
        self.journal = journal;
        self
    }

    /// Takes in what comes and publishes pictures of it until cancelled.
    pub async fn run(mut self, mut inbox: Inbox, cancel: CancellationToken) {
        let mut events = Vec::with_capacity(BATCH);
        let mut dirty = false;
        let mut next = Instant::now();
        loop {
            let due = if dirty { next } else { next + MAX_INTERVAL };
            tokio::select! {
                () = cancel.cancelled() => return self.keep_last().await,
                Some(report) = inbox.carbon.recv() => {
                    if let Err(mismatch) = self.builder.apply_carbon(report, (self.clock)()) {
                        self.metrics.mismatched();
                        tracing::debug!(%mismatch, "carbon report counts as missing");
                    }
                    dirty = true;
                }
                Some(report) = inbox.power.recv() => {
                    let source = report.source.clone();
                    let refused = self.builder.apply_power(report);
                    self.metrics.implausible(source.as_str(), refused);
                    dirty = true;
                }
                count = inbox.cluster.recv_many(&mut events, BATCH), if !inbox.cluster.is_closed() || !inbox.cluster.is_empty() => {
                    // A decision is told before the pod is bound: a binding must not overtake it in the other channel.
                    while let Ok(record) = inbox.records.try_recv() {
                        self.record(record);
                    }
                    for event in events.drain(..) {
                        self.observe(event);
                    }
                    dirty |= count > 0;
                }
                Some(record) = inbox.records.recv() => self.record(record),
                Ok(()) = self.surroundings.changed() => {
                    let surroundings = self.surroundings.borrow_and_update().0.clone();
                    self.builder.surround(surroundings);
                    dirty = true;
                }
                () = sleep_until(due) => {
                    let started = Instant::now();
                    self.publish();
                    self.keep();
                    next = Instant::now() + MIN_INTERVAL.max(started.elapsed() * BUILD_SHARE);
                    dirty = false;
                }
            }
        }
    }

    fn record(&self, record: Record) {
        let band = self.band();
        if matches!(record.stage, Stage::Filter { .. }) {
            self.world.book().weighed(record.at, Ratio::saturating(band));
        }
        self.world.decisions().record(&record, band);
        // A pod that nothing was decided about cannot be replayed.
        if let Some(journal) = self
            .journal
            .as_ref()
            .filter(|_| !matches!(record.stage, Stage::Exempt(_)))
        {
            journal.tell(Entry::Record(Box::new(record)));
        }
    }

    fn publish(&mut self) {
        self.decide_bindings();
        let now = (self.clock)();
        let snapshot = Arc::new(self.builder.build(now));
        {
            let mut in_flight = self.world.in_flight();
            in_flight.bookings.settle(&snapshot, now, |uid| self.builder.pod(uid));
            self.world.snapshot.store(snapshot);
        }
        if self.readiness.is_ready() {
            self.readiness.since.get_or_insert(now);
        }
        // After the snapshot: who is told that nothing is missing must find it complete.
        self.world.readiness.store(Arc::new(self.readiness));
    }

    fn band(&self) -> f64 {
        self.surroundings.borrow().1
    }

    fn observe(&mut self, event: ClusterEvent) {
        match &event {
            ClusterEvent::NodesListed => self.readiness.nodes = true,
            ClusterEvent::PodsRelisting => self.relisted = Some(HashSet::new()),
            ClusterEvent::PodsListed => {
                self.readiness.pods = true;
                if let Some(seen) = self.relisted.take() {
                    self.bound.retain(|uid| seen.contains(uid));
                    self.undecided.retain(|uid, _| seen.contains(uid));
                }
            }
            ClusterEvent::Pod(pod) => self.observe_binding(pod),
            ClusterEvent::PodGone { uid } => {
                self.bound.remove(uid);
                self.undecided.remove(uid);
            }
            _ => {}
        }
        self.builder.apply_cluster(event, (self.clock)());
    }

    /// Compares where a GPU pod was bound with what we preferred. Pods bound before the first list was complete are old
    /// news; those of DaemonSets and of the kubelet were never ours.
    fn observe_binding(&mut self, pod: &PodFacts) {
        let Some(node) = pod.node.as_ref().filter(|_| pod.gpus.is_some() || pod.claims.is_some()) else {
            return;
        };
        if let Some(seen) = &mut self.relisted {
            seen.insert(Arc::clone(&pod.uid));
        }
        let ours = !matches!(pod.owner.kind, OwnerKind::DaemonSet | OwnerKind::Node) && !pod.system_priority;
        if !self.bound.insert(Arc::clone(&pod.uid)) || !self.readiness.pods || !ours {
            return;
        }
        match self.builder.claimed(pod) {
            // Its claim is told of by another watch, and a moment later.
            Some(claimed) if claimed.unknown => {
                self.undecided.insert(Arc::clone(&pod.uid), Box::new(pod.clone()));
            }
            Some(claimed) if claimed.ask().is_none() => {}
            _ => self.count_binding(pod, node),
        }
    }

    /// Looks again at pods that were bound before their claims were known.
    fn decide_bindings(&mut self) {
        for (uid, pod) in std::mem::take(&mut self.undecided) {
            let claimed = self.builder.claimed(&pod);
            if claimed.as_ref().is_some_and(|claimed| claimed.unknown) {
                self.undecided.insert(uid, pod);
            } else if let (Some(node), true) = (&pod.node, claimed.is_some_and(|claimed| claimed.ask().is_some())) {
                self.count_binding(&pod, node);
            }
        }
    }

    fn count_binding(&self, pod: &PodFacts, node: &Arc<str>) {
        let mut decisions = self.world.decisions();
        let Some(outcome) = decisions.bound(&pod.uid, node, self.band()) else {
            return;
        };
        let decision = decisions.get(&pod.uid);
        let placed = account::placed(decision, node, outcome);
        // Looked for only where somebody wants to know.
        let strayed = self.strayed.as_ref().zip(decision);
        let strayed = strayed.and_then(|(told, decision)| Some((told, decision.strayed(node)?)));
        drop(decisions);
        self.metrics.bound(outcome.name());
        let snapshot = self.world.snapshot();
        let place = account::place(&snapshot, &pod.namespace, node);
        let at = (self.clock)();
        if let Some(journal) = &self.journal {
            journal.tell(Entry::Bound(Box::new(Bound {
                pod: format!("{}/{}", pod.namespace, pod.name),
                uid: pod.uid.to_string(),
                at,
                node: node.to_string(),
                outcome,
                zone: place.zone.map(str::to_owned),
                model: place.model.map(str::to_owned),
            })));
        }
        self.world.book().add(at, place, &placed);
        if let Some((told, (preferred, grams))) = strayed {
            let strayed = Strayed {
                namespace: Arc::clone(&pod.namespace),
                name: Arc::clone(&pod.name),
                uid: Arc::clone(&pod.uid),
                node: Arc::clone(node),
                preferred,
                grams,
                at,
            };
            if told.try_send(strayed).is_err() {
                self.metrics.event("dropped");
            }
        }
    }
}
