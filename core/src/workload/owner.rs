//! Who a pod works for, the same over its generations: what was seen of yesterday's run says something about today's.

use super::facts::{OwnerKind, PodFacts};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Characters of the names that Kubernetes generates: no vowels and no 0, 1 or 3, so that no word comes about.
const GENERATED: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Those of them that encode a decimal digit, as in the hash of a pod template.
const DIGITS: &[u8] = b"456789bcdf";
/// Length of the suffix that `generateName` appends.
const GENERATED_LENGTH: usize = 5;
/// A longer name is no name of Kubernetes' (a DNS subdomain).
const MAX_NAME: usize = 253;

/// Namespace, kind and name of a controller, without the part of the name that is new with each generation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnerKey {
    /// Namespace.
    pub namespace: Arc<str>,
    /// What kind of controller.
    pub kind: OwnerKind,
    /// Its name, cut.
    pub name: Arc<str>,
}

impl OwnerKey {
    /// The owner of a pod; `None` for pods without a controller, which have nobody to remember them by, and for those that
    /// belong to their node.
    ///
    /// A pod names its direct controller alone, so what made that one is read off its name:
    /// - a ReplicaSet is its Deployment's name and the hash of the pod template, up to ten encoded digits;
    /// - a Job that a CronJob made is that one's name and a time: minutes since 1970, eight digits (ten, in seconds, before
    ///   Kubernetes 1.21);
    /// - an object with `generateName` has five random characters at its end.
    ///
    /// A name that happens to end like this shares its history with its like, which is what such names mostly mean.
    #[must_use]
    pub fn of(pod: &PodFacts) -> Option<Self> {
        let name = pod.owner.name.as_ref();
        if name.is_empty() || name.len() > MAX_NAME {
            return None;
        }
        let kept = match pod.owner.kind {
            OwnerKind::Job => cut(name, |end| is_time(end) || is_generated(end)),
            OwnerKind::Service => cut(name, is_template_hash),
            OwnerKind::None | OwnerKind::DaemonSet | OwnerKind::Node => return None,
        };
        Some(Self {
            namespace: Arc::clone(&pod.namespace),
            kind: pod.owner.kind,
            name: if kept.len() == name.len() {
                Arc::clone(&pod.owner.name)
            } else {
                Arc::from(kept)
            },
        })
    }
}

fn cut(name: &str, generated: impl Fn(&str) -> bool) -> &str {
    match name.rsplit_once('-') {
        Some((base, end)) if !base.is_empty() && generated(end) => base,
        _ => name,
    }
}

fn is_time(end: &str) -> bool {
    matches!(end.len(), 8..=10) && end.bytes().all(|b| b.is_ascii_digit())
}

fn is_generated(end: &str) -> bool {
    end.len() == GENERATED_LENGTH && end.bytes().all(|b| GENERATED.contains(&b))
}

/// A 32-bit number of fewer than six digits is one in 40,000; names that end in a short word are not.
fn is_template_hash(end: &str) -> bool {
    matches!(end.len(), 6..=10) && end.bytes().all(|b| DIGITS.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::super::annotations::Annotations;
    use super::super::facts::{Owner, PodPhase};
    use super::*;

    fn key(kind: OwnerKind, name: &str) -> Option<String> {
        let pod = PodFacts {
            uid: Arc::from("u"),
            namespace: Arc::from("ml"),
            name: Arc::from("p"),
            resource_version: Arc::from("1"),
            owner: Owner {
                kind,
                name: Arc::from(name),
            },
            group: None,
            priority: 0,
            system_priority: false,
            gpus: None,
            claims: None,
            cpu_milli: 0,
            memory_bytes: 0,
            annotations: Annotations::default(),
            prefers: false,
            gated: false,
            node: None,
            ran: None,
            volume_claims: Vec::new(),
            nominated: None,
            started_at: None,
            unschedulable: false,
            phase: PodPhase::Pending,
        };
        OwnerKey::of(&pod).map(|key| key.name.to_string())
    }

    #[test]
    fn what_is_new_with_each_generation_is_cut() {
        for (kind, name, kept) in [
            (OwnerKind::Service, "web-6d4cf56db6", "web"),
            (OwnerKind::Service, "web-app-7c9f8b6d5", "web-app"),
            (OwnerKind::Job, "nightly-29402160", "nightly"),
            (OwnerKind::Job, "nightly-1764201600", "nightly"),
            (OwnerKind::Job, "train-x7k2p", "train"),
        ] {
            assert_eq!(key(kind, name).as_deref(), Some(kept), "{name}");
        }
    }

    #[test]
    fn what_people_wrote_stays() {
        for (kind, name) in [
            (OwnerKind::Service, "web"),
            (OwnerKind::Service, "db-primary"),
            (OwnerKind::Service, "worker-0"),
            (OwnerKind::Service, "web-6d4cf"),
            (OwnerKind::Job, "train-epoch-2026"),
            (OwnerKind::Job, "train-large"),
            (OwnerKind::Job, "-29402160"),
            (OwnerKind::Job, "29402160"),
        ] {
            assert_eq!(key(kind, name).as_deref(), Some(name));
        }
    }

    #[test]
    fn pods_without_a_controller_and_those_of_a_node_have_no_owner() {
        for kind in [OwnerKind::None, OwnerKind::DaemonSet, OwnerKind::Node] {
            assert_eq!(key(kind, "x"), None);
        }
        assert_eq!(key(OwnerKind::Job, ""), None);
        assert_eq!(key(OwnerKind::Job, &"x".repeat(254)), None);
    }
}
