//! The one file that operators write.
//!
//! ```text
//! text ─► envelope (apiVersion, kind) ─► RawSettings ─► each room's validate ─► Settings ─┬─► Loaded
//!                                        table files named in it ─► Tables ──────────────┘
//! Loaded ─► watch: polls the files, takes a good change, keeps the old on a bad one
//! ```
//!
//! Owns the composition of the file from the rooms' own sections, the `placement` section (placement itself is pure and
//! has no edge), and which keys reload. A path comes in, [`Loaded`] or every [`Finding`] leaves. Must never take a file
//! in part: it is right as a whole, or the one before stays.

mod access;
mod envelope;
mod file;
mod placement;
mod raw;
mod reload;
mod rules;
mod watch;

pub use file::{Loaded, SettingsError, load, parse};
pub use placement::{PlacementSettings, RawPlacementSettings};
pub use raw::{RawSettings, Settings};
pub use reload::{RELOAD, Reload, ReloadRule, reload_of, restart_keys_changed};
pub use watch::{Change, watch_file};

use super::yaml::Finding;
