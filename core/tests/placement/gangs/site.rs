use crate::world::{ZoneSpec, facts, now, pod, policy, report, surroundings_of, workload, zone_id};
use heliotrope_core::gpu::GpuMilli;
use heliotrope_core::placement::{
    Bookings, Candidate, GroupChoice, GroupOutcome, Groups, Question, common_rung, filter, weigh,
};
use heliotrope_core::snapshot::{ClusterEvent, NodeFacts, NodeRegion, Snapshot, SnapshotBuilder};
use heliotrope_core::workload::{Group, GroupKey, GroupKind, Mode, PodFacts, Workload};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;

/// One region: its nodes by number of boards.
pub(super) type Region = Vec<u32>;

/// A gang: how many pods.
#[derive(Debug, Clone)]
pub(super) struct Gang {
    pub(super) size: u32,
    /// Whether the pods say how many they are.
    pub(super) stated: bool,
    /// Members that exist before the first of them is scheduled; the others come one by one.
    pub(super) early: u32,
    /// Where each member was bound.
    pub(super) bound: Vec<usize>,
    /// Members asked about.
    pub(super) asked: u32,
    /// Whether a region could hold all of it when its first member was decided.
    pub(super) holdable: Option<bool>,
}

impl Gang {
    pub(super) fn of(size: u32) -> Self {
        Self {
            size,
            stated: true,
            early: 1,
            bound: Vec::new(),
            asked: 0,
            holdable: None,
        }
    }

    pub(super) fn split(&self) -> bool {
        self.bound.windows(2).any(|pair| pair[0] != pair[1])
    }

    /// Members that are not bound.
    pub(super) fn left(&self) -> u32 {
        self.size - u32::try_from(self.bound.len()).unwrap()
    }

    /// The region with most of its members.
    fn home(&self) -> Option<usize> {
        let count = |region: &usize| self.bound.iter().filter(|bound| *bound == region).count();
        self.bound
            .iter()
            .max_by_key(|region| (count(region), usize::MAX - **region))
            .copied()
    }
}

/// A cluster and its scheduler.
pub(super) struct Site {
    builder: SnapshotBuilder,
    pub(super) groups: Groups,
    pub(super) now: Timestamp,
    /// Region and boards free, as the scheduler knows it; by node.
    nodes: Vec<(usize, u32)>,
    regions: usize,
    /// GPUs that every pod asks for.
    ask: u32,
    /// Binds that the watch has not told yet, oldest first.
    untold: VecDeque<PodFacts>,
    told: Vec<ClusterEvent>,
    lag: usize,
    /// Places of a region that nobody can be sure of while the watch lags.
    pub(super) doubt: u32,
    pub(super) gangs: Vec<Gang>,
}

pub(super) fn node_name(node: usize) -> String {
    format!("n{node:04}")
}

fn key(gang: usize) -> GroupKey {
    GroupKey::new(&Arc::from("ml"), GroupKind::JobSet, &format!("gang-{gang}")).unwrap()
}

fn region_name(region: usize) -> String {
    format!("region-{region}")
}

impl Site {
    pub(super) fn new(regions: &[Region], ask: u32, lag: usize, gangs: Vec<Gang>) -> Self {
        let mut site = Self {
            builder: SnapshotBuilder::new(surroundings_of(&[])),
            groups: Groups::none(),
            now: now(),
            nodes: Vec::new(),
            regions: regions.len(),
            ask,
            untold: VecDeque::new(),
            told: Vec::new(),
            lag,
            doubt: 0,
            gangs,
        };
        for (region, boards) in regions.iter().enumerate() {
            for boards in boards {
                let spec = crate::world::NodeSpec {
                    boards: *boards,
                    ..crate::world::NodeSpec::in_zone(region)
                };
                let facts = NodeFacts {
                    name: Arc::from(node_name(site.nodes.len())),
                    region: Some(region_name(region).parse().unwrap()),
                    zone: Some(zone_id(region)),
                    ..facts(0, &spec)
                };
                site.nodes.push((region, *boards));
                site.tell(ClusterEvent::Node(facts));
            }
        }
        site.tell(ClusterEvent::NodesListed);
        site.tell(ClusterEvent::PodsListed);
        site.intensities(
            &(0..regions.len())
                .map(|region| 100.0 + region as f64 * 50.0)
                .collect::<Vec<_>>(),
        );
        for gang in 0..site.gangs.len() {
            for member in 0..site.gangs[gang].early.min(site.gangs[gang].size) {
                site.create(gang, member);
            }
        }
        site
    }

    fn tell(&mut self, event: ClusterEvent) {
        self.told.push(event.clone());
        self.builder.apply_cluster(event, self.now);
    }

    /// What the grids say from now on.
    pub(super) fn intensities(&mut self, values: &[f64]) {
        for (zone, value) in values.iter().enumerate() {
            self.builder
                .apply_carbon(report(zone, ZoneSpec::flat(*value)), self.now)
                .unwrap();
        }
    }

    fn facts(&self, gang: usize, member: u32, node: Option<&str>) -> PodFacts {
        let size = Some(self.gangs[gang].size).filter(|_| self.gangs[gang].stated);
        PodFacts {
            group: Some(Group { key: key(gang), size }),
            ..pod(&format!("{gang}-{member}"), self.ask, node)
        }
    }

    fn create(&mut self, gang: usize, member: u32) {
        let pod = self.facts(gang, member, None);
        self.tell(ClusterEvent::Pod(Box::new(pod)));
    }

    fn workload(&self, gang: usize, mode: Mode) -> Workload {
        let mut ask = workload(mode);
        let pod = self.facts(gang, 0, None);
        (ask.gpus, ask.cpu_milli, ask.memory_bytes) = (pod.gpus.unwrap(), pod.cpu_milli, pod.memory_bytes);
        ask.group = pod.group;
        ask
    }

    fn fits(&self, region: usize) -> u32 {
        self.nodes
            .iter()
            .filter(|(of, _)| *of == region)
            .map(|(_, free)| free / self.ask)
            .sum()
    }

    /// Whether a region can hold a gang that nobody of was placed, beside what the gangs placed in part still need there.
    fn can_hold(&self, gang: usize) -> bool {
        let needed = |region: usize| -> u32 {
            let others = self.gangs.iter().enumerate().filter(|(other, _)| *other != gang);
            others
                .filter(|(_, other)| other.home() == Some(region))
                .map(|(_, other)| other.left())
                .sum()
        };
        let free = |region: usize| self.fits(region).saturating_sub(needed(region) + self.doubt);
        (0..self.regions).any(|region| free(region) >= self.gangs[gang].size)
    }

    /// Asks about the next member of a gang and binds it to one of the nodes that filter leaves; `pick` says which.
    pub(super) fn schedule(&mut self, gang: usize, pick: usize) -> Option<GroupChoice> {
        let member = self.gangs[gang].asked;
        if member >= self.gangs[gang].size {
            return None;
        }
        if member >= self.gangs[gang].early {
            self.create(gang, member);
        }
        if member == 0 {
            self.gangs[gang].holdable = Some(self.can_hold(gang));
        }
        let (kept, choice) = self.ask(gang, member, Mode::Strict);
        let node = *kept.get(pick % kept.len().max(1))?;
        self.gangs[gang].asked += 1;
        self.bind(gang, member, node);
        choice
    }

    /// What filter answers about a member now: nodes kept, and the region.
    pub(super) fn ask(&mut self, gang: usize, member: u32, mode: Mode) -> (Vec<usize>, Option<GroupChoice>) {
        let snapshot = self.snapshot();
        let workload = self.workload(gang, mode);
        let offered: Vec<usize> = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].1 >= self.ask)
            .collect();
        let candidate = |node: &usize| Candidate::Known(snapshot.find(&node_name(*node)).unwrap());
        let candidates: Vec<Candidate<'_>> = offered.iter().map(candidate).collect();
        let (uid, policy) = (format!("{gang}-{member}"), policy());
        let question = Question {
            uid: &uid,
            snapshot: &snapshot,
            workload: &workload,
            policy: &policy,
            bookings: &Bookings::none(),
            groups: &self.groups,
            now: self.now,
        };
        let rung = common_rung(&question, &candidates);
        let costs = weigh(&question, rung, &candidates);
        let verdict = filter(&question, rung, &candidates, &costs);
        if let Some(choice) = verdict.group {
            let group = workload.group.as_ref().unwrap();
            let gpus: GpuMilli = workload.gpus.milli();
            self.groups.decide(group, &Arc::from(uid), choice, gpus, self.now);
        }
        let kept = offered.into_iter().zip(&verdict.kept).filter(|(_, kept)| **kept);
        (kept.map(|(node, _)| node).collect(), verdict.group)
    }

    /// Binds a member. The watch tells it after `lag` more.
    pub(super) fn bind(&mut self, gang: usize, member: u32, node: usize) {
        self.nodes[node].1 -= self.ask;
        let region = self.nodes[node].0;
        self.gangs[gang].bound.push(region);
        let bound = self.facts(gang, member, Some(&node_name(node)));
        self.untold.push_back(bound);
        while self.untold.len() > self.lag {
            self.catch_up_one();
        }
        self.pass(SignedDuration::from_millis(20));
    }

    fn catch_up_one(&mut self) {
        if let Some(pod) = self.untold.pop_front() {
            self.tell(ClusterEvent::Pod(Box::new(pod)));
        }
    }

    pub(super) fn catch_up(&mut self) {
        while !self.untold.is_empty() {
            self.catch_up_one();
        }
    }

    pub(super) fn pass(&mut self, time: SignedDuration) {
        self.now += time;
    }

    pub(super) fn snapshot(&mut self) -> Snapshot {
        self.builder.build(self.now)
    }

    /// The extender forgets everything, lists the cluster anew and takes up what it finds.
    pub(super) fn restart(&mut self, intensities: &[f64]) {
        self.catch_up();
        self.builder = SnapshotBuilder::new(surroundings_of(&[]));
        for event in self.told.clone() {
            self.builder.apply_cluster(event, self.now);
        }
        self.intensities(intensities);
        self.groups = Groups::none();
        let snapshot = self.snapshot();
        self.groups.resume(&snapshot, |_| true, self.now);
    }

    pub(super) fn region_of(&mut self, choice: GroupChoice) -> usize {
        let snapshot = self.snapshot();
        let name = snapshot.region(choice.region).unwrap();
        let is = |region: &usize| *name == NodeRegion::Region(region_name(*region).parse().unwrap());
        (0..self.regions).find(is).unwrap()
    }

    /// Takes boards away as a pod of nobody's gang does.
    pub(super) fn occupy(&mut self, node: usize, boards: u32) {
        self.nodes[node].1 -= boards;
        let pod = pod(
            &format!("single-{node}-{}", self.told.len()),
            boards,
            Some(&node_name(node)),
        );
        self.tell(ClusterEvent::Pod(Box::new(pod)));
    }
}

/// The outcome of a choice.
pub(super) fn outcome(choice: Option<GroupChoice>) -> Option<GroupOutcome> {
    choice.map(|choice| choice.outcome)
}
