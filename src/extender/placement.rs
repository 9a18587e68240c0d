use heliotrope_core::placement::Policy;
use heliotrope_core::workload::Namespaces;
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
