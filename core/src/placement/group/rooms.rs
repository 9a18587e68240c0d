use super::super::candidate::Candidate;
use super::super::cost::NodeCost;
use super::super::question::Question;
use super::memory::Forming;
use crate::snapshot::{GroupMembers, NodeState, RegionIx};
use crate::workload::Workload;

/// What one region has for a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Room {
    /// Acceptable candidates.
    pub(super) offered: u32,
    /// Members of the group that are bound here, or were sent here.
    pub(super) members: u32,
    /// How many pods like this one fit on the candidates.
    pub(super) fits: u32,
    /// Of these, how many other gangs still need that were sent here.
    pub(super) promised: u32,
    /// Of those promised, how many are decided already: their place may be taken from `fits` as well.
    pub(super) in_flight: u32,
    /// What the members to come cost here, on the cheapest of the candidates.
    pub(super) total: f64,
}

impl Room {
    /// How many more pods like this one can be sent here.
    pub(super) fn free(&self) -> u32 {
        self.fits.saturating_sub(self.promised)
    }

    /// The same if the scheduler left out every node that is promised to a pod decided already.
    pub(super) fn at_best(&self) -> u32 {
        self.fits.saturating_sub(self.promised.saturating_sub(self.in_flight))
    }
}

/// A room for each region of the snapshot.
pub(super) struct Rooms(Vec<Room>);

impl Rooms {
    /// Counts the acceptable candidates of each region.
    pub(super) fn offered(question: &Question<'_>, accepted: &[Accepted<'_>]) -> Self {
        let mut rooms = Self(vec![Room::default(); question.snapshot.regions().len()]);
        for region in accepted.iter().filter_map(|accepted| accepted.node.region) {
            rooms.at(region, |room| room.offered += 1);
        }
        rooms
    }

    /// Counts the members of the group where they are bound, and where they were sent.
    pub(super) fn count_members(
        &mut self,
        question: &Question<'_>,
        members: Option<&GroupMembers>,
        sent: impl Iterator<Item = RegionIx>,
    ) {
        bound(question, members)
            .chain(sent)
            .for_each(|region| self.at(region, |room| room.members += 1));
    }

    /// Counts room, what is promised of it, and the cost of `to_come` members.
    pub(super) fn measure(&mut self, question: &Question<'_>, accepted: &mut [Accepted<'_>], to_come: u32) {
        for one in accepted.iter_mut() {
            one.fits = fits(one.node, question.workload);
            let fits = one.fits;
            if let Some(region) = one.node.region {
                self.at(region, |room| room.fits = room.fits.saturating_add(fits));
            }
        }
        self.promise(question);
        accepted.sort_unstable_by(|a, b| {
            (a.node.region, a.price)
                .partial_cmp(&(b.node.region, b.price))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut taken = (None, 0);
        for one in accepted.iter() {
            if taken.0 != one.node.region {
                taken = (one.node.region, 0);
            }
            let here = one.fits.min(to_come.saturating_sub(taken.1));
            taken.1 += here;
            if let Some(region) = one.node.region {
                self.at(region, |room| room.total += f64::from(here) * one.price);
            }
        }
    }

    /// What other gangs still need of the regions that they were sent to, in pods like this one.
    fn promise(&mut self, question: &Question<'_>) {
        let Some(group) = &question.workload.group else { return };
        let asked = question.workload.gpus.milli().max(1);
        let mut homes = Homes::new(question);
        for (key, forming) in question.groups.others(&group.key, question.now) {
            let members = question.snapshot.group(key);
            let Some(home) = homes.of(members, forming) else {
                continue;
            };
            let in_flight = count(forming.in_flight("", members, question.now));
            let pods = to_come(members, forming.size()).max(in_flight);
            let like_this = |pods: u32| u64::from(pods) * u64::from(forming.gpus().max(1));
            let in_ours = |pods| u32::try_from(like_this(pods).div_ceil(u64::from(asked))).unwrap_or(u32::MAX);
            self.at(home, |room| {
                room.promised = room.promised.saturating_add(in_ours(pods));
                room.in_flight = room.in_flight.saturating_add(in_ours(in_flight));
            });
        }
    }

    /// How many members the region has that has most.
    pub(super) fn most_members(&self) -> u32 {
        self.0.iter().map(|room| room.members).max().unwrap_or(0)
    }

    /// The regions with an acceptable candidate.
    pub(super) fn open(&self) -> impl Iterator<Item = (RegionIx, &Room)> + Clone {
        (0..).map(RegionIx).zip(&self.0).filter(|(_, room)| room.offered > 0)
    }

    fn at(&mut self, region: RegionIx, change: impl FnOnce(&mut Room)) {
        if let Some(room) = self.0.get_mut(usize::from(region.0)) {
            change(room);
        }
    }
}

/// A candidate that no other rule refuses.
#[derive(Clone, Copy)]
pub(super) struct Accepted<'a> {
    pub(super) node: &'a NodeState,
    /// What one pod costs here.
    pub(super) price: f64,
    fits: u32,
}

/// The candidates that no other rule refuses. One whose cost is not known counts as the mean of the others.
pub(super) fn accepted<'a>(
    question: &Question<'a>,
    candidates: &[Candidate<'a>],
    refused: impl Fn(usize) -> bool,
    costs: &[Option<NodeCost>],
) -> Vec<Accepted<'a>> {
    let known = || {
        costs
            .iter()
            .enumerate()
            .filter(|(place, _)| !refused(*place))
            .filter_map(|(_, cost)| cost.as_ref())
    };
    // Where no grid has carbon in it, less energy is better.
    let carbon_free = known().all(|cost| cost.grams <= 0.0);
    let price = |cost: &NodeCost| if carbon_free { cost.joules } else { cost.total() };
    let (sum, count) = known().fold((0.0, 0.0), |(sum, count), cost| (sum + price(cost), count + 1.0));
    let mean = if count > 0.0 { sum / count } else { 0.0 };
    let mut all = Vec::with_capacity(candidates.len());
    for (place, (candidate, cost)) in candidates.iter().zip(costs).enumerate() {
        let Some(node) = candidate.node(question.snapshot).filter(|_| !refused(place)) else {
            continue;
        };
        all.push(Accepted {
            node,
            price: cost.as_ref().map_or(mean, price),
            fits: 0,
        });
    }
    all
}

/// How many pods like this one a node has room for. One at least: the scheduler offered it.
fn fits(node: &NodeState, workload: &Workload) -> u32 {
    let by = |free: i64, asked: u64| match asked {
        0 => u32::MAX,
        asked => u32::try_from(u64::try_from(free).unwrap_or(0) / asked).unwrap_or(u32::MAX),
    };
    let boards = node.slots.fits(workload.gpus);
    let cpu = by(node.cpu_free_milli, workload.cpu_milli);
    boards.min(cpu).min(by(node.memory_free, workload.memory_bytes)).max(1)
}

/// How many members are still to be bound: those with GPUs that wait, or what the stated size leaves, whichever is more.
pub(super) fn to_come(members: Option<&GroupMembers>, size: Option<u32>) -> u32 {
    let Some(members) = members else {
        return size.unwrap_or(0);
    };
    let settled = u32::try_from(members.seen()).unwrap_or(u32::MAX) - members.waiting().min(u32::MAX);
    let size = size.max(members.size()).unwrap_or(0);
    members.waiting().max(size.saturating_sub(settled))
}

/// Regions of the members that are bound.
pub(super) fn bound<'a>(
    question: &'a Question<'_>,
    members: Option<&'a GroupMembers>,
) -> impl Iterator<Item = RegionIx> + 'a {
    let nodes = members
        .into_iter()
        .flat_map(GroupMembers::iter)
        .filter_map(|(_, member)| member.node.as_deref());
    nodes.filter_map(|node| question.snapshot.node(question.snapshot.find(node)?)?.region)
}

/// Finds where most of a group's members are or were sent, one group after another in the same space.
struct Homes<'a> {
    question: &'a Question<'a>,
    counts: Vec<u32>,
}

impl<'a> Homes<'a> {
    fn new(question: &'a Question<'a>) -> Self {
        let counts = vec![0; question.snapshot.regions().len()];
        Self { question, counts }
    }

    /// The region with most members; of several, the first by name.
    fn of(&mut self, members: Option<&GroupMembers>, forming: &Forming) -> Option<RegionIx> {
        let Self { question, counts } = self;
        counts.fill(0);
        let sent = forming.in_flight("", members, question.now);
        for region in bound(question, members).chain(sent) {
            if let Some(count) = counts.get_mut(usize::from(region.0)) {
                *count += 1;
            }
        }
        let regions = question.snapshot.regions();
        let counted = (0..)
            .map(RegionIx)
            .zip(counts.iter().zip(regions))
            .filter(|(_, (count, _))| **count > 0);
        let most = counted.max_by(|(_, a), (_, b)| a.0.cmp(b.0).then_with(|| b.1.cmp(a.1)));
        most.map(|(region, _)| region)
    }
}

fn count(regions: impl Iterator<Item = RegionIx>) -> u32 {
    u32::try_from(regions.count()).unwrap_or(u32::MAX)
}
