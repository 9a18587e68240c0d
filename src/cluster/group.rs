//! Which group a pod says that it belongs to, in the words of whoever made it.

use heliotrope_core::workload::{ANNOTATION_PREFIX, Group, GroupKey, GroupKind, NO_GROUP};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kubernetes writes an Indexed Job's completion index on its pods.
const COMPLETION_INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// What of a pod says that it belongs to a group.
pub(super) struct Membership<'a> {
    pub(super) metadata: &'a ObjectMeta,
    pub(super) namespace: &'a Arc<str>,
    /// `spec.schedulingGroup.podGroupName`.
    pub(super) pod_group: Option<&'a str>,
    /// `spec.subdomain`.
    pub(super) subdomain: Option<&'a str>,
    pub(super) controller: Option<&'a OwnerReference>,
}

impl Membership<'_> {
    /// The group: the first kind that the pod names in a way that can be a name.
    pub(super) fn group(&self) -> Option<Group> {
        let ours = self.ours("group");
        if ours == Some(NO_GROUP) {
            return None;
        }
        let key = |kind| GroupKey::new(self.namespace, kind, self.name(kind)?.as_ref());
        let key = GroupKind::ALL.into_iter().find_map(key)?;
        let stated = self.ours("group-size").and_then(Group::read_size);
        let size = stated.or_else(|| self.size(key.kind()).and_then(Group::read_size));
        Some(Group { key, size })
    }

    /// Names are unique in a namespace and come again; where there is a UID, it tells one life from the next.
    fn name(&self, kind: GroupKind) -> Option<std::borrow::Cow<'_, str>> {
        let job = || self.controller.filter(|owner| owner.kind == "Job");
        let name = match kind {
            GroupKind::Annotation => self.ours("group")?,
            GroupKind::PodGroup => self.pod_group?,
            GroupKind::KueuePodGroup => self.label("kueue.x-k8s.io/pod-group-name")?,
            GroupKind::Coscheduling => self.label("scheduling.x-k8s.io/pod-group")?,
            GroupKind::Volcano => self
                .annotation("scheduling.k8s.io/group-name")
                .or_else(|| self.annotation("scheduling.volcano.sh/group-name"))?,
            GroupKind::LeaderWorkerSet => {
                if let Some(key) = self.label("leaderworkerset.sigs.k8s.io/group-key") {
                    key
                } else {
                    let set = self.label("leaderworkerset.sigs.k8s.io/name")?;
                    let index = self.label("leaderworkerset.sigs.k8s.io/group-index")?;
                    return Some(format!("{set}.{index}").into());
                }
            }
            GroupKind::JobSet => self
                .label("jobset.sigs.k8s.io/jobset-uid")
                .or_else(|| self.label("jobset.sigs.k8s.io/jobset-name"))?,
            GroupKind::Kubeflow => self.label("training.kubeflow.org/job-name")?,
            GroupKind::KueueWorkload => self.annotation("kueue.x-k8s.io/workload")?,
            GroupKind::RankedJob => {
                let indexed = self
                    .annotation(COMPLETION_INDEX)
                    .or_else(|| self.label(COMPLETION_INDEX));
                let addressed = self.subdomain.filter(|subdomain| !subdomain.is_empty());
                indexed.and(addressed).and(job())?.uid.as_str()
            }
            GroupKind::Job => job()?.uid.as_str(),
        };
        Some(name.into())
    }

    /// Where the group's own kind says how many pods it has. A JobSet says how many Jobs it has, each of one pod at
    /// least. Parallelism and completions of a Job stand on the Job and not on its pods.
    fn size(&self, kind: GroupKind) -> Option<&str> {
        match kind {
            GroupKind::KueuePodGroup => self.annotation("kueue.x-k8s.io/pod-group-total-count"),
            GroupKind::Volcano => self.annotation("scheduling.volcano.sh/group-min-member"),
            GroupKind::LeaderWorkerSet => self.annotation("leaderworkerset.sigs.k8s.io/size"),
            GroupKind::JobSet => self.label("jobset.sigs.k8s.io/global-replicas"),
            _ => None,
        }
    }

    fn ours(&self, key: &str) -> Option<&str> {
        let mut all = self.metadata.annotations.iter().flatten();
        all.find_map(|(name, value)| (name.strip_prefix(ANNOTATION_PREFIX)? == key).then_some(value.as_str()))
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        of(self.metadata.annotations.as_ref(), key)
    }

    fn label(&self, key: &str) -> Option<&str> {
        of(self.metadata.labels.as_ref(), key)
    }
}

fn of<'a>(map: Option<&'a BTreeMap<String, String>>, key: &str) -> Option<&'a str> {
    map?.get(key).map(String::as_str)
}
