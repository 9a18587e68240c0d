//! GPU models, what they draw, and the resource names under which Kubernetes counts them.
//!
//! Owns [`GpuCatalogue`] (profiles by model, reached through [`ModelIx`]), [`GpuResource`] (what a pod asks for by a
//! resource's name) and [`GpuSharing`] (what a node makes of it, in shares of physical boards). Profiles come in from a
//! table at start and are read by index afterwards. Must never guess a model: an unknown name stays unknown.

mod catalogue;
mod device;
mod profile;
mod resource;
mod sharing;

pub use catalogue::{CatalogueError, FigureOrigin, GpuCatalogue, ModelIx, normalised_model_name};
pub use device::SelectorHint;
pub use profile::{BARE_SHARE_OF_MAX, GpuProfile, ProfileError};
pub use resource::{GpuMilli, GpuResource, GpuUnit, GpuVendor, WHOLE_GPU, amd_partition, mig_slices};
pub use sharing::{GpuSharing, VirtualGpu, slices_of_model};
