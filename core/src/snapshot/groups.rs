//! Who is a member of which group, as the watch tells it.

use crate::gpu::GpuMilli;
use crate::workload::{GpuAsk, GroupKey, PodFacts};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// One pod of a group that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMember {
    /// The node it is bound to.
    pub node: Option<Arc<str>>,
    /// GPUs it asks for, in thousandths of boards; 0 for one without.
    pub gpus: GpuMilli,
}

/// The pods of one group that were seen and are not finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMembers {
    members: HashMap<Arc<str>, GroupMember>,
    /// Those with GPUs that no node has yet.
    waiting: u32,
    /// The largest size that one of them stated.
    size: Option<u32>,
}

impl GroupMembers {
    /// A member by its UID.
    #[must_use]
    pub fn get(&self, uid: &str) -> Option<&GroupMember> {
        self.members.get(uid)
    }

    /// All members with their UIDs, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &GroupMember)> {
        self.members.iter()
    }

    /// How many were seen.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.members.len()
    }

    /// How many with GPUs wait for a node.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// The largest size that one of them stated.
    #[must_use]
    pub fn size(&self) -> Option<u32> {
        self.size
    }

    fn count(&mut self, member: &GroupMember, there: bool) {
        if member.node.is_none() && member.gpus > 0 {
            self.waiting = if there {
                self.waiting.saturating_add(1)
            } else {
                self.waiting.saturating_sub(1)
            };
        }
    }
}

/// All groups; shared with the snapshots until something changes.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupIndex(Arc<HashMap<GroupKey, Arc<GroupMembers>>>);

impl GroupIndex {
    /// What snapshots hold.
    pub(super) fn share(&self) -> Arc<HashMap<GroupKey, Arc<GroupMembers>>> {
        Arc::clone(&self.0)
    }

    /// Takes a pod in, in place of what was known of it.
    pub(super) fn put(&mut self, old: Option<&PodFacts>, pod: &PodFacts) {
        let same = |old: &PodFacts| old.group == pod.group && old.node == pod.node && old.gpus == pod.gpus;
        if old.is_some_and(same) {
            return;
        }
        if let Some(old) = old {
            self.remove(old);
        }
        let Some(group) = &pod.group else { return };
        let groups = Arc::make_mut(&mut self.0);
        let members = Arc::make_mut(groups.entry(group.key.clone()).or_default());
        let member = GroupMember {
            node: pod.node.clone(),
            gpus: pod.gpus.map_or(0, GpuAsk::milli),
        };
        members.count(&member, true);
        members.size = members.size.max(group.size);
        members.members.insert(Arc::clone(&pod.uid), member);
    }

    /// Takes a pod out.
    pub(super) fn remove(&mut self, pod: &PodFacts) {
        let Some(group) = &pod.group else { return };
        let groups = Arc::make_mut(&mut self.0);
        let Some(members) = groups.get_mut(&group.key) else {
            return;
        };
        let left = Arc::make_mut(members);
        if let Some(member) = left.members.remove(&pod.uid) {
            left.count(&member, false);
        }
        if left.members.is_empty() {
            groups.remove(&group.key);
        }
    }
}
