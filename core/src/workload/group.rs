use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Largest group that is believed. No cluster that Kubernetes supports has more nodes than 5,000 or more pods than
/// 150,000 ("Considerations for large clusters"), and no known gang comes near.
pub const MAX_GROUP_SIZE: u32 = 100_000;

/// Longest name of a group: that of any Kubernetes object.
const MAX_NAME_BYTES: usize = 253;

/// What says that pods belong together. A pod that says it in several ways belongs to the first of this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupKind {
    /// `heliotrope.dev/group`.
    Annotation,
    /// `spec.schedulingGroup` of Kubernetes' own workload API.
    PodGroup,
    /// A group of plain pods that Kueue admits together.
    KueuePodGroup,
    /// The pod group of the coscheduling plugin.
    Coscheduling,
    /// The pod group of Volcano.
    Volcano,
    /// One replica of a LeaderWorkerSet: a leader with its workers.
    LeaderWorkerSet,
    /// A JobSet.
    JobSet,
    /// A job of Kubeflow's training operator.
    Kubeflow,
    /// A workload that Kueue admitted as a whole.
    KueueWorkload,
    /// An Indexed Job whose pods reach each other by name (`spec.subdomain`), as ranks do.
    RankedJob,
    /// Any other Job: often many tasks that have nothing to do with each other.
    Job,
}

impl GroupKind {
    /// All of them, first what decides first.
    pub const ALL: [Self; 11] = [
        Self::Annotation,
        Self::PodGroup,
        Self::KueuePodGroup,
        Self::Coscheduling,
        Self::Volcano,
        Self::LeaderWorkerSet,
        Self::JobSet,
        Self::Kubeflow,
        Self::KueueWorkload,
        Self::RankedJob,
        Self::Job,
    ];

    /// The name used in settings and explanations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Annotation => "annotation",
            Self::PodGroup => "pod-group",
            Self::KueuePodGroup => "kueue-pod-group",
            Self::Coscheduling => "coscheduling",
            Self::Volcano => "volcano",
            Self::LeaderWorkerSet => "leader-worker-set",
            Self::JobSet => "job-set",
            Self::Kubeflow => "kubeflow",
            Self::KueueWorkload => "kueue-workload",
            Self::RankedJob => "ranked-job",
            Self::Job => "job",
        }
    }

    /// Whether one pod of this kind alone may be all there ever is. Its owner says nothing of the size, and most Jobs
    /// have one pod.
    #[must_use]
    pub fn may_be_single(self) -> bool {
        matches!(self, Self::KueueWorkload | Self::RankedJob | Self::Job)
    }
}

/// Which group. The name is a tenant's: bounded, and compared but never interpreted. Written `kind/namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupKey {
    namespace: Arc<str>,
    kind: GroupKind,
    name: Arc<str>,
}

impl GroupKey {
    /// A group of a namespace; `None` for a name that no Kubernetes object can have.
    #[must_use]
    pub fn new(namespace: &Arc<str>, kind: GroupKind, name: &str) -> Option<Self> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(legal) {
            return None;
        }
        Some(Self {
            namespace: Arc::clone(namespace),
            kind,
            name: Arc::from(name),
        })
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What says so.
    #[must_use]
    pub fn kind(&self) -> GroupKind {
        self.kind
    }

    /// The group's name within its namespace and kind.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.name(), self.namespace, self.name)
    }
}

impl From<GroupKey> for String {
    fn from(key: GroupKey) -> Self {
        key.to_string()
    }
}

/// A text that is no group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no group: write kind/namespace/name")]
pub struct GroupKeyError;

impl TryFrom<String> for GroupKey {
    type Error = GroupKeyError;
    fn try_from(text: String) -> Result<Self, GroupKeyError> {
        let mut parts = text.splitn(3, '/');
        let mut next = || parts.next().ok_or(GroupKeyError);
        let (kind, namespace, name) = (next()?, next()?, next()?);
        let kind = GroupKind::ALL.into_iter().find(|known| known.name() == kind);
        Self::new(&Arc::from(namespace), kind.ok_or(GroupKeyError)?, name).ok_or(GroupKeyError)
    }
}

/// The group that a pod belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Which one.
    pub key: GroupKey,
    /// How many pods it has at least, as the pod says. `None` where nothing on the pod says so: then the pods seen count.
    pub size: Option<u32>,
}

impl Group {
    /// Reads a stated number of pods: 1 to [`MAX_GROUP_SIZE`].
    #[must_use]
    pub fn read_size(text: &str) -> Option<u32> {
        text.trim()
            .parse()
            .ok()
            .filter(|size| (1..=MAX_GROUP_SIZE).contains(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes_of_tenants_are_bounded() {
        let namespace = Arc::from("ml");
        let key = |name: &str| GroupKey::new(&namespace, GroupKind::JobSet, name);
        assert_eq!(key("train.v2_a-1").unwrap().name(), "train.v2_a-1");
        for bad in ["", "a b", "a/b", "a\n", "ä", &"x".repeat(254)] {
            assert_eq!(key(bad), None, "{bad:?}");
        }
        let written = String::from(key("llm").unwrap());
        assert_eq!(
            (written.as_str(), GroupKey::try_from(written.clone()).ok()),
            ("job-set/ml/llm", key("llm"))
        );
        assert!(
            ["", "job-set/ml", "crowd/ml/llm", "job-set/ml/a/b"]
                .iter()
                .all(|bad| GroupKey::try_from((*bad).to_owned()).is_err())
        );
        assert_eq!(Group::read_size(" 64 "), Some(64));
        for bad in ["", "0", "-1", "1.5", "100001", "99999999999999999999", "many"] {
            assert_eq!(Group::read_size(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_order_of_kinds_is_the_order_in_which_they_decide() {
        assert!(GroupKind::ALL.is_sorted());
        assert!(GroupKind::ALL.iter().all(|kind| !kind.name().is_empty()));
    }
}
