use super::super::candidate::Candidate;
use super::super::cost::NodeCost;
use super::super::question::Question;
use super::memory::{Decided, Forming};
use super::rooms::{Room, Rooms, accepted, bound, to_come};
use crate::snapshot::{GroupMembers, NodeRegion, RegionIx};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A pod that is asked about again after this was not bound: kube-scheduler waits a second at least before it tries one
/// again (`podInitialBackoffSeconds`).
const RETRY: SignedDuration = SignedDuration::from_secs(1);
/// A region that a pod was sent to for this long without being bound is the last to be tried again: something that
/// Heliotrope does not see keeps it from there.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// How the region of a member was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupOutcome {
    /// First of its group: the region can hold all of it.
    Held,
    /// First of its group: no region can hold all of it, and this one has most room.
    Larger,
    /// Other members are there.
    Followed,
    /// Other members are elsewhere, where no acceptable node is left.
    Spilled,
    /// Nothing says that it will have company: its region is remembered, and no node is refused for it.
    Alone,
}

impl GroupOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Held, Self::Larger, Self::Followed, Self::Spilled, Self::Alone];

    /// The name used in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Larger => "larger",
            Self::Followed => "followed",
            Self::Spilled => "spilled",
            Self::Alone => "alone",
        }
    }
}

/// The region of one member of a gang.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChoice {
    /// Where it goes.
    pub region: RegionIx,
    /// How that was found.
    pub outcome: GroupOutcome,
    /// Members still to be bound, this one among them, as far as is known.
    pub to_come: u32,
    /// Whether there is room for them for certain, so that it is kept for them.
    pub certain: bool,
}

impl GroupChoice {
    /// Whether nodes of other regions are refused.
    #[must_use]
    pub fn restricts(&self) -> bool {
        self.outcome != GroupOutcome::Alone
    }
}

/// The region of a member: always one in which an acceptable candidate stands. `None` for a pod that is in no gang, and
/// where nothing is known of the region of any candidate.
pub(in super::super) fn choose(
    question: &Question<'_>,
    candidates: &[Candidate<'_>],
    refused: impl Fn(usize) -> bool,
    costs: &[Option<NodeCost>],
) -> Option<GroupChoice> {
    let group = question.workload.group.as_ref()?;
    let members = question.snapshot.group(&group.key);
    let forming = question.groups.forming(&group.key, question.now);
    let mut accepted = accepted(question, candidates, refused, costs);
    let mut member = Member {
        question,
        members,
        own: forming.and_then(|forming| forming.of(question.uid)),
        whole: forming.is_some_and(Forming::whole),
        rooms: Rooms::offered(question, &accepted),
        to_come: to_come(members, group.size.max(forming.and_then(Forming::size))).max(1),
    };
    if !member.failed() {
        let sent = forming
            .into_iter()
            .flat_map(|forming| forming.in_flight(question.uid, members, question.now));
        member.rooms.count_members(question, members, sent);
    }
    member.rooms.measure(question, &mut accepted, member.to_come);
    member.follow().or_else(|| member.lead())
}

/// A member that asks.
struct Member<'a> {
    question: &'a Question<'a>,
    members: Option<&'a GroupMembers>,
    /// What was decided about it before.
    own: Option<&'a Decided>,
    /// Whether the group was held whole, and its places are kept.
    whole: bool,
    rooms: Rooms,
    to_come: u32,
}

impl Member<'_> {
    /// Whether the group was tried as a whole and nothing of it was bound, as gang schedulers do: then it starts anew.
    fn failed(&self) -> bool {
        let again = self
            .own
            .is_some_and(|own| self.question.now.duration_since(own.last) >= RETRY);
        again && bound(self.question, self.members).next().is_none()
    }

    /// Whether this pod was sent to a region for long, and in vain.
    fn in_vain(&self, region: RegionIx) -> bool {
        let own = self.own.filter(|own| own.region == region);
        own.is_some_and(|own| self.question.now.duration_since(own.first) > PATIENCE)
    }

    /// The region with most members that has a node for this one to which no other gang has a right.
    fn follow(&self) -> Option<GroupChoice> {
        let homes = self
            .rooms
            .open()
            .filter(|(_, room)| room.members > 0 && room.spare(self.whole) > 0);
        let homes = homes.filter(|(region, _)| !self.in_vain(*region));
        let (region, room) =
            homes.max_by(|a, b| a.1.members.cmp(&b.1.members).then_with(|| self.by_name(b.0, a.0)))?;
        let elsewhere = self.rooms.most_members() > room.members;
        let outcome = if elsewhere {
            GroupOutcome::Spilled
        } else {
            GroupOutcome::Followed
        };
        Some(self.choice(region, outcome, false))
    }

    /// The region for the members to come, found anew.
    fn lead(&self) -> Option<GroupChoice> {
        let (region, room) = self.region()?;
        let group = self.question.workload.group.as_ref()?;
        let seen = self.members.map_or(0, GroupMembers::seen);
        let single = group.key.kind().may_be_single() && self.to_come == 1 && seen <= 1;
        let outcome = match room.at_best() >= self.to_come {
            _ if self.rooms.most_members() > 0 => GroupOutcome::Spilled,
            _ if single => GroupOutcome::Alone,
            true => GroupOutcome::Held,
            false => GroupOutcome::Larger,
        };
        Some(self.choice(region, outcome, room.free() >= self.to_come))
    }

    /// The best region for the members to come. Where the pod was sent before, if that can still hold them; else the
    /// cheapest of those that can; else the one with most room.
    fn region(&self) -> Option<(RegionIx, &Room)> {
        let open = || self.rooms.open().filter(|(region, _)| !self.in_vain(*region));
        let holding = || open().filter(|(_, room)| room.free() >= self.to_come);
        let before = self
            .own
            .and_then(|own| holding().find(|(region, _)| *region == own.region));
        let held = before.or_else(|| self.cheapest(holding()));
        if held.is_some() {
            return held;
        }
        let roomiest = |a: &(RegionIx, &Room), b: &(RegionIx, &Room)| {
            let room = |room: &Room| (room.at_best(), room.spare(self.whole), room.members);
            let most = room(a.1).cmp(&room(b.1));
            most.then_with(|| b.1.total.total_cmp(&a.1.total))
                .then_with(|| self.by_name(b.0, a.0))
        };
        open().max_by(roomiest).or_else(|| self.rooms.open().max_by(roomiest))
    }

    /// The cheapest region. Of those within the band of it the one with least room to spare: the larger ones are for
    /// larger gangs.
    fn cheapest<'r>(
        &self,
        regions: impl Iterator<Item = (RegionIx, &'r Room)> + Clone,
    ) -> Option<(RegionIx, &'r Room)> {
        let best = regions
            .clone()
            .map(|(_, room)| room.total)
            .fold(f64::INFINITY, f64::min);
        let edge = self.question.policy.within_band(best);
        let equal = regions.filter(|(_, room)| room.total <= edge);
        equal.min_by(|a, b| a.1.free().cmp(&b.1.free()).then_with(|| self.by_name(a.0, b.0)))
    }

    fn by_name(&self, a: RegionIx, b: RegionIx) -> std::cmp::Ordering {
        let name = |region| -> Option<&NodeRegion> { self.question.snapshot.region(region) };
        name(a).cmp(&name(b))
    }

    fn choice(&self, region: RegionIx, outcome: GroupOutcome, certain: bool) -> GroupChoice {
        GroupChoice {
            region,
            outcome,
            to_come: self.to_come,
            certain,
        }
    }
}
