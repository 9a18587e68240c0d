//! The log: one JSON line for each decision and for each stretch in which a node was on, with every input of its grams.

use super::Outcome;
use super::expected::Expected;
use heliotrope_core::simulator::{AwakeEntry, PodEntry};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(tag = "line", rename_all = "lowercase")]
enum Line<'a> {
    /// A pod was placed. What it truly drew, and what the extender expected.
    Decision {
        simulated: bool,
        side: &'static str,
        #[serde(flatten)]
        entry: &'a PodEntry,
        expected: Option<&'a Expected>,
    },
    /// A node was on.
    Awake {
        simulated: bool,
        side: &'static str,
        #[serde(flatten)]
        entry: &'a AwakeEntry,
    },
}

impl Outcome {
    /// Writes the log of all sides.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_log(&self, out: &mut dyn Write) -> io::Result<()> {
        for ledger in &self.ledgers {
            let side = ledger.scheduler;
            // Only one side asked an extender.
            let asked = side == self.report.heliotrope.scheduler;
            let pods = ledger.pods.iter().map(|entry| Line::Decision {
                simulated: true,
                side,
                entry,
                expected: self.expected.get(&entry.uid).filter(|_| asked),
            });
            let nodes = ledger.awake.iter().map(|entry| Line::Awake {
                simulated: true,
                side,
                entry,
            });
            for line in pods.chain(nodes) {
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
        }
        out.flush()
    }
}
