use heliotrope_core::gpu::GpuVendor;
use std::collections::BTreeMap;

/// Device classes that are GPUs because the settings say so, whatever their selectors say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GpuClasses(pub BTreeMap<String, GpuVendor>);

impl GpuClasses {
    /// Whose GPUs a class is.
    pub(super) fn vendor(&self, class: &str) -> Option<GpuVendor> {
        self.0.get(class).copied()
    }
}
