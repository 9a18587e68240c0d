use heliotrope_core::placement::Policy;
use heliotrope_core::workload::{GroupKey, Namespaces};
use std::sync::Arc;

/// What the administrator decided about placement; replaced as a whole when settings are loaded anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement {
    /// Grows with every load; part of memo keys.
    pub generation: u64,
    /// For all pods.
    pub policy: Arc<Policy>,
    /// By namespace.
    pub namespaces: Namespaces,
}

impl Placement {
    /// Whether the pods of a group are kept together.
    pub(super) fn steers_group(&self, key: &GroupKey) -> bool {
        let rules = self.namespaces.rules(key.namespace());
        rules.mode.steers() && rules.groups.contains(&key.kind())
    }
}
