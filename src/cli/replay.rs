//! `heliotrope replay`: does the log give the same decisions again?

use super::failure::Failure;
use super::render::{self, Output};
use crate::app::replay::{Report, WhatIf, replay};
use crate::app::settings::load;
use clap::Args;
use heliotrope_core::placement::Policy;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Decide again what a decision log says, and compare every figure to the last bit
///
/// Exit code 0 when all answers are the same, 1 when some differ, 2 when a file cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Replay {
    /// Files of the decision log, oldest first
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Settings file: say also what its `placement` would have changed
    #[arg(long, value_name = "SETTINGS")]
    policy: Option<PathBuf>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

const EXAMPLES: &str = "Examples:
  heliotrope replay /var/lib/heliotrope/decisions/*.jsonl
  heliotrope replay decisions-000000007.jsonl --policy other.yaml -o json | jq .whatIf";

/// How often progress is told to a terminal.
const PROGRESS: Duration = Duration::from_secs(2);

impl Replay {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let policy = self.policy()?;
        let mut report = Report::default();
        let mut told = Instant::now();
        for path in &self.files {
            let name = path.display().to_string();
            let unreadable = |error: &dyn std::fmt::Display| Failure::Usage(format!("{name}: {error}"));
            let file = File::open(path).map_err(|error| unreadable(&format_args!("cannot be opened: {error}")))?;
            let progress = |report: &Report| {
                if told.elapsed() >= PROGRESS && io::stderr().is_terminal() {
                    told = Instant::now();
                    eprintln!("{name}: {} calls so far, {} differ", report.calls(), report.different);
                }
            };
            replay(BufReader::new(file), &name, policy.as_ref(), &mut report, progress)
                .map_err(|error| unreadable(&error))?;
        }
        match self.output {
            Output::Json => render::json(out, &report)?,
            Output::Table => table(out, &report)?,
        }
        if report.different > 0 {
            Err(Failure::Told(1))
        } else {
            Ok(())
        }
    }

    fn policy(&self) -> Result<Option<Policy>, Failure> {
        let Some(path) = &self.policy else { return Ok(None) };
        let loaded = load(path).map_err(|error| Failure::Settings {
            path: path.clone(),
            error,
        })?;
        Ok(Some(loaded.settings.placement.policy))
    }
}

fn table(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    writeln!(
        out,
        "{} calls decided again: {} filter, {} prioritize, {} preempt; {} pods seen bound",
        report.calls(),
        report.filter,
        report.prioritize,
        report.preempt,
        report.bound
    )?;
    if report.dropped > 0 {
        writeln!(
            out,
            "{} decisions are not in these files: they were dropped when they were made",
            report.dropped
        )?;
    }
    if report.torn > 0 {
        writeln!(
            out,
            "{} files end in a line that broke off; what was in it is lost",
            report.torn
        )?;
    }
    if report.different == 0 {
        writeln!(out, "all the same, to the last bit")?;
    } else {
        writeln!(out, "{} calls differ; the first differences:", report.different)?;
        let rows = report.differences.iter().map(|one| {
            [
                format!("{}:{}", one.file, one.line),
                one.pod.clone(),
                one.node.clone().unwrap_or_else(|| "-".to_owned()),
                one.what.to_owned(),
                one.logged.clone(),
                one.replayed.clone(),
            ]
        });
        let rows: Vec<_> = rows.collect();
        render::table(out, ["WHERE", "POD", "NODE", "WHAT", "LOGGED", "NOW"], &rows)?;
    }
    report.what_if.as_ref().map_or(Ok(()), |what_if| policies(out, what_if))
}

/// What another policy would have answered.
fn policies(out: &mut dyn Write, what_if: &WhatIf) -> io::Result<()> {
    writeln!(
        out,
        "under the other policy: {} of {} filter calls would prefer a node of other grams, {} would refuse others, {} would \
         answer with others; {} of {} prioritize calls would score otherwise",
        what_if.preferred_differs,
        what_if.filter,
        what_if.refused_differs,
        what_if.kept_differs,
        what_if.scores_differ,
        what_if.prioritize
    )?;
    writeln!(
        out,
        "grams of the preferred nodes, by the figures of the log: {:.1} g logged, {:.1} g under the other policy ({:+.1} g)",
        what_if.grams_logged,
        what_if.grams_other,
        what_if.grams_other - what_if.grams_logged
    )?;
    Ok(())
}
