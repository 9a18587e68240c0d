//! GPU models, what they draw, and the resource names under which Kubernetes counts them.
//!
//! Owns [`GpuCatalogue`] (profiles by model, reached through [`ModelIx`]) and [`GpuResource`] (what one unit of an
//! extended resource is in physical boards). Profiles come in from a table at start and are read by index afterwards.
//! Must never guess a model: an unknown name stays unknown.

mod catalogue;
mod profile;
mod resource;

pub use catalogue::{CatalogueError, FigureOrigin, GpuCatalogue, ModelIx, normalised_model_name};
pub use profile::{BARE_SHARE_OF_MAX, GpuProfile, ProfileError};
pub use resource::{GpuMilli, GpuResource, GpuVendor, WHOLE_GPU};
