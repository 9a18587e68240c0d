//! The tables that come with heliotrope, and the operator's own laid over them.
//!
//! ```text
//! config/zones.yaml         ─► ZoneTable     yearly averages by zone
//! config/regions.yaml       ─► Regions       region → zone, and which rows are guesses
//! config/gpu-profiles.yaml  ─► Gpus          what each GPU model draws and does, and who says so
//! ```
//!
//! Owns the form of these files. Text comes in, core types leave. Must never fill a gap: a figure without a source is
//! refused, and a figure that is not there stays absent.

mod gpus;
mod regions;
mod zones;

pub use gpus::{Figures, Gpus};
pub use regions::{Regions, Uncertain};

use super::yaml::{Document, Finding};
use heliotrope_core::grid::ZoneTable;

/// The zones that are compiled in.
pub const ZONES: &str = include_str!("../../../config/zones.yaml");
/// The regions that are compiled in.
pub const REGIONS: &str = include_str!("../../../config/regions.yaml");
/// The GPU profiles that are compiled in.
pub const GPU_PROFILES: &str = include_str!("../../../config/gpu-profiles.yaml");

/// All tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables {
    /// Yearly averages by zone.
    pub zones: ZoneTable,
    /// Region → zone.
    pub regions: Regions,
    /// GPU models.
    pub gpus: Gpus,
}

impl Tables {
    /// The tables that are compiled in.
    ///
    /// # Errors
    /// What is wrong with them; a test keeps this from happening.
    pub fn builtin() -> Result<Self, Vec<Finding>> {
        let mut tables = Self::default();
        tables.lay_zones(ZONES)?;
        tables.lay_regions(REGIONS)?;
        tables.lay_gpus(GPU_PROFILES)?;
        Ok(tables)
    }

    /// Lays zones over those that are there. A zone that comes again replaces the earlier row as a whole.
    ///
    /// # Errors
    /// Everything wrong with the text; the tables are as before then.
    pub fn lay_zones(&mut self, text: &str) -> Result<(), Vec<Finding>> {
        for (zone, row) in read(text, zones::validate)? {
            self.zones.insert(zone, row);
        }
        Ok(())
    }

    /// Lays regions over those that are there. A region that comes again for the same provider replaces the earlier row.
    ///
    /// # Errors
    /// Everything wrong with the text; the tables are as before then.
    pub fn lay_regions(&mut self, text: &str) -> Result<(), Vec<Finding>> {
        for row in read(text, regions::validate)? {
            self.regions.insert(row);
        }
        Ok(())
    }

    /// Lays GPU profiles over those that are there. A model that comes again replaces the earlier profile as a whole.
    ///
    /// # Errors
    /// Everything wrong with the text, two profiles that claim one name included; the tables are as before then.
    pub fn lay_gpus(&mut self, text: &str) -> Result<(), Vec<Finding>> {
        let document = Document::parse(text).map_err(|finding| vec![finding])?;
        self.gpus = super::yaml::read(&document, |raw, problems| gpus::validate(raw, &self.gpus, problems))?;
        Ok(())
    }
}

fn read<Raw: serde::de::DeserializeOwned, Valid>(
    text: &str,
    validate: impl FnOnce(Raw, &mut crate::settings::Problems) -> Valid,
) -> Result<Valid, Vec<Finding>> {
    let document = Document::parse(text).map_err(|finding| vec![finding])?;
    super::yaml::read(&document, validate)
}

#[cfg(test)]
mod tests;
