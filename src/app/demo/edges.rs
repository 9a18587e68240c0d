use crate::telemetry::Clock;
use crate::world::{Senders, World};
use anyhow::bail;
use heliotrope_core::simulator::{self, Feed, Run};
use heliotrope_core::snapshot::{ClusterEvent, Snapshot};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// How often a look is taken whether something has come.
const LOOK: Duration = Duration::from_millis(1);
/// A writer that has not published for this long is stuck.
const STUCK: Duration = Duration::from_secs(20);

/// A clock that the day is moved on by, in milliseconds since the epoch.
#[derive(Debug, Clone)]
pub(super) struct SimulatedClock(Arc<AtomicI64>);

impl SimulatedClock {
    pub(super) fn new(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    pub(super) fn reader(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_millisecond(now.load(Ordering::Acquire)).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    fn set(&self, at: Timestamp) {
        self.0.store(at.as_millisecond(), Ordering::Release);
    }
}

/// Plays carbon providers, the power source and the watches towards the real writer, in step with the day.
pub(super) struct Edges<'w> {
    feed: Feed<'w>,
    simulated: &'w simulator::World,
    senders: Senders,
    world: Arc<World>,
    clock: SimulatedClock,
}

impl<'w> Edges<'w> {
    pub(super) fn new(
        simulated: &'w simulator::World,
        senders: Senders,
        world: Arc<World>,
        clock: SimulatedClock,
    ) -> Self {
        Self {
            feed: Feed::new(simulated),
            simulated,
            senders,
            world,
            clock,
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Tells the writer all that is new, and waits for the snapshot that has it. Without the wait, the same seed would
    /// give another day on a busier machine.
    pub(super) async fn tell(&mut self, run: &mut Run<'w>, at: Timestamp) -> anyhow::Result<Arc<Snapshot>> {
        self.clock.set(at);
        let readings = self.feed.readings(run, at);
        for report in readings.carbon {
            self.senders.carbon.send(report).await?;
        }
        for event in readings.cluster {
            self.senders.cluster.send(event).await?;
        }
        taken(&self.senders.carbon).await?;
        taken(&self.senders.cluster).await?;
        // Whether a node counts as empty when it is measured depends on what the watches have told before.
        if let Some(report) = readings.power {
            self.senders.power.send(report).await?;
            taken(&self.senders.power).await?;
        }
        // What is taken last may not have been dealt with yet, and must be before the clock goes on.
        self.tell_again().await?;
        taken(&self.senders.cluster).await?;
        // A snapshot of the next millisecond has all of it.
        let next = at.saturating_add(SignedDuration::from_millis(1))?;
        self.clock.set(next);
        self.tell_again().await?;
        let started = Instant::now();
        loop {
            let snapshot = self.world.snapshot();
            if snapshot.taken_at >= next {
                return Ok(snapshot);
            }
            if started.elapsed() > STUCK {
                bail!("no snapshot for {} s", STUCK.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A node told again, as watches do, which makes the writer take a snapshot.
    async fn tell_again(&self) -> anyhow::Result<()> {
        if let Some(node) = self.simulated.nodes.first() {
            let again = ClusterEvent::Node(node.facts.clone());
            self.senders.cluster.send(again).await?;
        }
        Ok(())
    }

    /// Waits until the writer has taken all records of decisions.
    pub(super) async fn recorded(&self) -> anyhow::Result<()> {
        taken(&self.senders.records).await
    }
}

/// Waits until a channel is empty: its one reader deals with each message before it takes the next.
async fn taken<T>(sender: &Sender<T>) -> anyhow::Result<()> {
    let started = Instant::now();
    while sender.capacity() < sender.max_capacity() {
        if started.elapsed() > STUCK {
            bail!("a message was not taken for {} s", STUCK.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
