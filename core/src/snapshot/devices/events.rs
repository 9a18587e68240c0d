use super::slice::SliceFacts;
use crate::workload::{ClaimFacts, ClassFacts};
use std::sync::Arc;

/// One change of what a watch of `resource.k8s.io` tells.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceEvent {
    /// Of the resource slices of GPU drivers.
    Slice(Change<SliceFacts>),
    /// Of resource claims.
    Claim(Change<ClaimFacts>),
    /// Of the templates of resource claims.
    Template(Change<ClaimFacts>),
    /// Of device classes.
    Class(Change<ClassFacts>),
}

/// A change of a set of objects.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<T> {
    /// One appeared or changed.
    Put(T),
    /// The one of this key is gone.
    Gone(Arc<str>),
    /// The watch starts anew: everything not seen until [`Self::Listed`] is gone.
    Relisting,
    /// All were listed.
    Listed,
}

/// What tells an object from others of its kind.
pub(super) trait Keyed {
    fn key(&self) -> &Arc<str>;
}

impl Keyed for SliceFacts {
    fn key(&self) -> &Arc<str> {
        &self.name
    }
}

impl Keyed for ClaimFacts {
    fn key(&self) -> &Arc<str> {
        &self.key
    }
}

impl Keyed for ClassFacts {
    fn key(&self) -> &Arc<str> {
        &self.name
    }
}
