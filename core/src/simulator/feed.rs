use super::grid::PERIOD;
use super::run::Run;
use super::world::World;
use super::{later, power};
use crate::snapshot::{CarbonReport, ClusterEvent, PowerReport, SnapshotBuilder};
use jiff::{SignedDuration, Timestamp};

/// Power sources are asked this often.
const POWER_INTERVAL: SignedDuration = SignedDuration::from_secs(60);

/// What the edges have to say at a moment.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// Of carbon providers.
    pub carbon: Vec<CarbonReport>,
    /// Of a power source.
    pub power: Option<PowerReport>,
    /// Of the watches.
    pub cluster: Vec<ClusterEvent>,
}

impl Readings {
    /// Puts them into a builder, as the writer does.
    pub fn apply(self, builder: &mut SnapshotBuilder, now: Timestamp) {
        for report in self.carbon {
            // The simulated grids all report the kind that is ranked.
            let _same_kind = builder.apply_carbon(report, now).is_ok();
        }
        for event in self.cluster {
            builder.apply_cluster(event, now);
        }
        if let Some(report) = self.power {
            builder.apply_power(report);
        }
    }
}

/// Plays the edges: says what a simulated world would make them say, in the form and at the pace of the real ones.
#[derive(Debug)]
pub struct Feed<'w> {
    world: &'w World,
    next_carbon: Timestamp,
    next_power: Timestamp,
    started: bool,
}

impl<'w> Feed<'w> {
    /// A feed that has said nothing yet.
    #[must_use]
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            next_carbon: world.start,
            next_power: world.start,
            started: false,
        }
    }

    /// What there is to say since the last time.
    pub fn readings(&mut self, run: &mut Run<'w>, now: Timestamp) -> Readings {
        let mut readings = Readings::default();
        if !self.started {
            let nodes = self.world.nodes.iter();
            readings.cluster.push(ClusterEvent::NodesRelisting);
            readings.cluster.push(ClusterEvent::PodsRelisting);
            readings
                .cluster
                .extend(nodes.map(|node| ClusterEvent::Node(node.facts.clone())));
            readings.cluster.push(ClusterEvent::NodesListed);
            readings.cluster.push(ClusterEvent::PodsListed);
        }
        readings.cluster.extend(run.take_events());
        if now >= self.next_carbon {
            let zones = self.world.zones.iter();
            readings.carbon = zones.filter_map(|zone| zone.report(now, !self.started)).collect();
            let since = now.duration_since(self.world.start).as_secs();
            let periods = since.div_euclid(PERIOD.as_secs()) + 1;
            self.next_carbon = later(self.world.start, SignedDuration::from_secs(periods * PERIOD.as_secs()));
        }
        if now >= self.next_power {
            readings.power = Some(power::report(self.world.seed, run.capacity(), now));
            self.next_power = later(now, POWER_INTERVAL);
        }
        self.started = true;
        readings
    }
}
