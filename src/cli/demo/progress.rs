use crate::app::demo::Progress;
use crate::cli::text::bar;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How often a line on a terminal is written anew.
const REWRITE: Duration = Duration::from_millis(100);
/// How often a line is added where there is no terminal.
const ADD: Duration = Duration::from_secs(5);

/// The progress of a day on stderr: one line that is rewritten on a terminal, a plain line every few seconds elsewhere.
pub(super) struct ProgressLine {
    terminal: bool,
    next: Instant,
    written: bool,
}

impl ProgressLine {
    pub(super) fn new(terminal: bool) -> Self {
        Self {
            terminal,
            next: Instant::now(),
            written: false,
        }
    }

    pub(super) fn show(&mut self, progress: &Progress) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + if self.terminal { REWRITE } else { ADD };
        self.written = true;
        let line = line(progress, self.terminal);
        if self.terminal {
            // Back to the start, and erase what an older, longer line left.
            eprint!("\r{line}\x1b[K");
        } else {
            eprintln!("{line}");
        }
    }

    /// Takes the line away: the summary follows.
    pub(super) fn end(&self) {
        if self.terminal && self.written {
            eprint!("\r\x1b[K");
        }
    }
}

fn line(progress: &Progress, terminal: bool) -> String {
    let greenest = progress
        .zones
        .iter()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(zone, _)| zone);
    let mut line = format!(
        "simulated {}  {} of {} pods ",
        progress.at.strftime("%H:%M"),
        progress.bound,
        progress.pods
    );
    if terminal {
        line = format!("[{}] {line}", bar(progress.share, 20));
    }
    for (zone, intensity) in &progress.zones {
        let mark = if Some(zone) == greenest { "*" } else { "" };
        let _never = write!(line, "  {zone}{mark} {intensity:.0}");
    }
    line + " g/kWh  (* greenest)"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_marks_the_greenest_zone() {
        let progress = Progress {
            at: "2026-06-15T14:20:00Z".parse().unwrap(),
            share: 0.5,
            bound: 7,
            pods: 9,
            zones: vec![("A".to_owned(), 80.4), ("B".to_owned(), 300.0)],
        };
        assert_eq!(
            line(&progress, false),
            "simulated 14:20  7 of 9 pods   A* 80  B 300 g/kWh  (* greenest)"
        );
        assert!(line(&progress, true).starts_with("[##########..........] simulated"));
    }
}
