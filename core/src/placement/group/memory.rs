use super::choice::{GroupChoice, GroupOutcome};
use super::rooms::to_come;
use crate::gpu::GpuMilli;
use crate::snapshot::{GroupMembers, RegionIx, Snapshot};
use crate::workload::{Group, GroupKey};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a group is remembered after the last decision about one of its pods. A bind is seen within a second; a pod
/// that was refused elsewhere comes again within five minutes, the longest that kube-scheduler lets one lie.
pub(super) const HOLD: SignedDuration = SignedDuration::from_mins(6);
/// How long a decision stands of a pod that no watch has told of: its deletion was seen, or its creation will be.
const UNSEEN: SignedDuration = SignedDuration::from_secs(10);
/// Decisions remembered over all groups: about 10 MB.
const MAX_DECIDED: usize = 65_536;

/// Where the members of gangs were sent that the snapshot does not show bound yet. A copy shares every gang until that gang
/// is decided about again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    forming: BTreeMap<GroupKey, Arc<Forming>>,
    decided: usize,
}

/// A group of which members were decided lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Forming {
    decided: BTreeMap<Arc<str>, Decided>,
    /// Since when it is remembered: of two that want the same room, the earlier one has it.
    since: Timestamp,
    /// When a member was last decided.
    last: Timestamp,
    /// Whether its region could hold all of it, so that what it still needs there is kept for it.
    whole: bool,
    /// The largest size stated.
    size: Option<u32>,
    /// GPUs of its largest member.
    gpus: GpuMilli,
}

/// What was decided about one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decided {
    pub(super) region: RegionIx,
    /// Since when it is sent there.
    pub(super) first: Timestamp,
    /// When it last was.
    pub(super) last: Timestamp,
}

impl Groups {
    /// Nothing decided.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            forming: BTreeMap::new(),
            decided: 0,
        }
    }

    /// Remembers where a member was sent; `gpus` is what it asks for.
    pub fn decide(&mut self, group: &Group, uid: &Arc<str>, choice: GroupChoice, gpus: GpuMilli, now: Timestamp) {
        if self.forming(&group.key, now).is_none() || self.decided >= MAX_DECIDED {
            self.sweep(now);
        }
        let forming = self
            .forming
            .entry(group.key.clone())
            .or_insert_with(|| Arc::new(Forming::new(now)));
        let forming = Arc::make_mut(forming);
        forming.last = forming.last.max(now);
        forming.size = forming.size.max(group.size);
        forming.gpus = forming.gpus.max(gpus);
        forming.whole = match choice.outcome {
            GroupOutcome::Held => choice.certain,
            GroupOutcome::Followed => forming.whole,
            GroupOutcome::Larger | GroupOutcome::Spilled | GroupOutcome::Alone => false,
        };
        let region = choice.region;
        let before = forming.decided.get(uid).filter(|before| before.region == region);
        let first = before.map_or(now, |before| before.first);
        let decided = Decided {
            region,
            first,
            last: now,
        };
        if forming.decided.insert(Arc::clone(uid), decided).is_none() {
            self.decided += 1;
        }
    }

    /// Takes up the gangs that a snapshot shows half bound, as after a restart: what they still need is theirs.
    pub fn resume(&mut self, snapshot: &Snapshot, counts: impl Fn(&GroupKey) -> bool, now: Timestamp) {
        for (key, members) in snapshot.groups() {
            let bound = members.iter().any(|(_, member)| member.node.is_some());
            if bound && to_come(Some(members), None) > 0 && counts(key) {
                let forming = self.forming.entry(key.clone());
                let forming = Arc::make_mut(forming.or_insert_with(|| Arc::new(Forming::new(now))));
                forming.size = forming.size.max(members.size());
                let gpus = members.iter().map(|(_, member)| member.gpus).max();
                forming.gpus = forming.gpus.max(gpus.unwrap_or(0));
                forming.whole = true;
            }
        }
    }

    /// What is remembered of a group.
    pub(super) fn forming(&self, key: &GroupKey, now: Timestamp) -> Option<&Forming> {
        self.forming
            .get(key)
            .map(Arc::as_ref)
            .filter(|forming| forming.fresh(now))
    }

    /// The groups that still form.
    pub(super) fn all(&self, now: Timestamp) -> impl Iterator<Item = (&GroupKey, &Forming)> {
        let all = self.forming.iter().map(|(key, forming)| (key, forming.as_ref()));
        all.filter(move |(_, forming)| forming.fresh(now))
    }

    /// How many decisions are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.decided
    }

    /// Drops what is out of date; and while too much is left, the group that is longest without a decision.
    fn sweep(&mut self, now: Timestamp) {
        self.forming.retain(|_, forming| forming.fresh(now));
        let held =
            |forming: &BTreeMap<GroupKey, Arc<Forming>>| forming.values().map(|group| group.decided.len()).sum();
        self.decided = held(&self.forming);
        while self.decided >= MAX_DECIDED {
            let oldest = self.forming.iter().min_by_key(|(_, forming)| forming.last);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.forming.remove(&oldest);
            self.decided = held(&self.forming);
        }
    }
}

impl Forming {
    fn new(now: Timestamp) -> Self {
        Self {
            decided: BTreeMap::new(),
            since: now,
            last: now,
            whole: false,
            size: None,
            gpus: 0,
        }
    }

    fn fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.last) <= HOLD
    }

    pub(super) fn whole(&self) -> bool {
        self.whole
    }

    /// Whether it comes before another group.
    pub(super) fn before(&self, key: &GroupKey, other: (&GroupKey, &Self)) -> bool {
        (self.since, key) < (other.1.since, other.0)
    }

    pub(super) fn size(&self) -> Option<u32> {
        self.size
    }

    pub(super) fn gpus(&self) -> GpuMilli {
        self.gpus
    }

    pub(super) fn of(&self, uid: &str) -> Option<&Decided> {
        self.decided.get(uid)
    }

    /// Regions of the members that were decided and are not bound, but for one pod. Those of pods that are gone do not
    /// count.
    pub(super) fn in_flight<'a>(
        &'a self,
        uid: &'a str,
        members: Option<&'a GroupMembers>,
        now: Timestamp,
    ) -> impl Iterator<Item = RegionIx> + 'a {
        let others = self.decided.iter().filter(move |(of, _)| of.as_ref() != uid);
        let unbound = others.filter(move |(of, decided)| match members.and_then(|members| members.get(of)) {
            Some(member) => member.node.is_none(),
            None => now.duration_since(decided.last) <= UNSEEN,
        });
        unbound.map(|(_, decided)| decided.region)
    }
}
