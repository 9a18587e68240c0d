//! The decision log asked again: does this heliotrope answer as the one that wrote it did, and what would other settings
//! have changed?
//!
//! ```text
//! LogReader ─► LoggedCall ─► the real placement ─► Difference for each figure that is not the same to the last bit
//!                      └───► the same under another Policy ─► what would differ, in decisions and grams
//! ```
//!
//! Must never hold more than one call: files are as long as they are.

mod again;
mod whatif;

pub use again::Difference;
pub use whatif::WhatIf;

use crate::world::{LogReader, ReadError, Told};
use heliotrope_core::placement::Policy;
use serde::Serialize;
use std::io::BufRead;

/// Differences told one by one; beyond them they are only counted.
const TOLD: usize = 20;

/// What came of asking again.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Filter calls.
    pub filter: u64,
    /// Prioritize calls.
    pub prioritize: u64,
    /// Preempt calls.
    pub preempt: u64,
    /// Pods seen bound.
    pub bound: u64,
    /// Decisions that are not in the files, as the files say.
    pub dropped: u64,
    /// Files whose last line broke off.
    pub torn: u64,
    /// Calls whose answer is another one now, or whose inputs are not what was written.
    pub different: u64,
    /// The first differences.
    pub differences: Vec<Difference>,
    /// What another policy would have changed.
    pub what_if: Option<WhatIf>,
}

impl Report {
    /// Calls asked again.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.filter + self.prioritize + self.preempt
    }
}

/// Asks everything in a file again and adds it to a report; `told` is called after each call.
///
/// # Errors
/// When the file cannot be read to its end.
pub fn replay(
    input: impl BufRead,
    file: &str,
    policy: Option<&Policy>,
    report: &mut Report,
    mut told: impl FnMut(&Report),
) -> Result<(), ReadError> {
    for next in LogReader::open(input)? {
        match next? {
            Told::Bound => report.bound += 1,
            Told::Dropped(count) => report.dropped = report.dropped.saturating_add(count),
            Told::Torn => report.torn += 1,
            Told::Call(call) => {
                let found = again::differences(&call, file, report);
                report.different += u64::from(!found.is_empty());
                let room = TOLD.saturating_sub(report.differences.len());
                report.differences.extend(found.into_iter().take(room));
                if let Some(policy) = policy {
                    report.what_if.get_or_insert_default().ask(&call, policy);
                }
                told(report);
            }
        }
    }
    Ok(())
}
