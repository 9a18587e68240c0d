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
    /// How many pods like this one fit on the candidates, as the snapshot shows them.
    pub(super) fits: u32,
    /// Pods sent here that the snapshot does not show bound. Where they went to is not known: they may have taken a place
    /// that still counts in `fits`, or the last one of a node that is no candidate any more.
    pub(super) in_flight: u32,
    /// How many pods not decided yet other gangs still need here.
    pub(super) promised: u32,
    /// Of these, those of gangs that were held whole.
    pub(super) kept: u32,
    /// Of these, those of gangs that came before the one that asks.
    pub(super) kept_before: u32,
    /// What the members to come cost here, on the cheapest of the candidates.
    pub(super) total: f64,
}

impl Room {
    /// Places that are there for certain. A candidate has one at least, so only the others can be taken already.
    fn certain(&self) -> u32 {
        let doubtful = self.in_flight.min(self.fits.saturating_sub(self.offered));
        self.fits.saturating_sub(doubtful)
    }

    /// Places that nobody else needs, for certain.
    pub(super) fn free(&self) -> u32 {
        self.certain().saturating_sub(self.promised)
    }

    /// Places that nobody else needs if no pod in flight took one of a candidate.
    pub(super) fn at_best(&self) -> u32 {
        self.fits.saturating_sub(self.promised)
    }

    /// Places that a gang may take: one that was held whole has its own kept for it, another leaves theirs to those.
    pub(super) fn spare(&self, whole: bool) -> u32 {
        if whole {
            self.fits.saturating_sub(self.kept_before)
        } else {
            self.certain().saturating_sub(self.kept)
        }
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

    /// Counts what is in flight, and what other gangs still need of the regions that they were sent to; in pods like this
    /// one.
    fn promise(&mut self, question: &Question<'_>) {
        let Some(group) = &question.workload.group else {
            return;
        };
        let asked = u64::from(question.workload.gpus.milli().max(1));
        let own = question.groups.forming(&group.key, question.now);
        let mut homes = Homes::new(question);
        for (key, forming) in question.groups.all(question.now) {
            let members = question.snapshot.group(key);
            let gpus = u64::from(forming.gpus().max(1));
            let like_this = |pods: u32| u32::try_from((u64::from(pods) * gpus).div_ceil(asked)).unwrap_or(u32::MAX);
            let mut in_flight = 0;
            for region in forming.in_flight(question.uid, members, question.now) {
                in_flight += 1;
                self.at(region, |room| {
                    room.in_flight = room.in_flight.saturating_add(like_this(1));
                });
            }
            let Some(home) = homes.of(members, forming).filter(|_| *key != group.key) else {
                continue;
            };
            let needed = like_this(to_come(members, forming.size()).saturating_sub(in_flight));
            let before = own.is_none_or(|own| forming.before(key, (&group.key, own)));
            self.at(home, |room| {
                let add = |to: &mut u32| *to = to.saturating_add(needed);
                add(&mut room.promised);
                if forming.whole() {
                    add(&mut room.kept);
                    if before {
                        add(&mut room.kept_before);
                    }
                }
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
    let seen = u32::try_from(members.seen()).unwrap_or(u32::MAX);
    let settled = seen.saturating_sub(members.waiting());
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
