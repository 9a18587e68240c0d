//! The decision log on the disk: JSON lines from which every decision can be made again.
//!
//! Owns the format (`line`, `runs`, `patch`: `docs/decisions.md` is its page), the task that writes it ([`Journal`]) and
//! the reader ([`LogReader`]).
//!
//! ```text
//! Writer ─(Entry, try_send)─► Journal: Told ─► state lines (what changed), call lines ─► files, bounded in size and number
//! file ─► LogReader: State ─► Asked + LoggedAnswer ─┬─► app::replay
//!                                                  └─► Record ─► Recount
//! ```
//!
//! A file stands for itself: its first state line has all that its calls were decided on. A file that was closed, or left
//! by a process that died, is never written again, so a torn line can only be the last one. Must never be waited for: what
//! the task cannot take at once is dropped, counted, and told in the file.

mod digest;
mod entry;
mod files;
mod line;
mod patch;
mod read;
mod record;
mod runs;
mod state;
mod task;
mod told;

pub(super) use entry::Entry;
pub(super) use line::Bound;
pub use read::{LogHead, LogReader, LoggedAnswer, LoggedCall, LoggedCost, ReadError, Told};
pub use task::{Journal, JournalSender};
