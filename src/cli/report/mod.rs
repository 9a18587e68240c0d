//! `heliotrope report`: whether it is worth it.
//!
//! Owns the command's arguments, its tables and its figure. A [`Report`] comes from the admin listener of a running process, or
//! is counted again from files of the decision log; text leaves. Must never compute a figure that the report does not have, and never call a modelled difference saved.

mod figure;
mod log;
mod tables;

use super::admin;
use super::failure::Failure;
use super::render::{self, Output};
use crate::world::Recounted;
use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use heliotrope_core::accounting::Report;
use jiff::civil::Date;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Show what the decisions of a period were worth: grams at stake, what was done, and what that stands on
///
/// Asks the admin listener of a running extender, such as one reached by `kubectl port-forward`, for sums that it keeps since
/// its start. In shadow mode they say what the scheduler's own choices cost beside the cheapest acceptable node and beside one
/// drawn by lot. All grams are modelled over the stated run times; nothing is called saved.
///
/// With --decisions nobody is asked: the sums are counted again from files of the decision log, which outlive the process. Give
/// the files of all replicas, in any order. Exit code 2 when a file cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReportCommand {
    #[command(flatten)]
    admin: admin::Listener,

    /// Files of the decision log to count from, instead of asking
    #[arg(long, num_args = 1.., value_name = "FILE")]
    decisions: Vec<PathBuf>,

    /// First day, in UTC
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,

    /// Last day, in UTC
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Draw grams by what was done, the mean candidate and the cheapest into an SVG file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// What the figure has bars for
    #[arg(long, value_enum, default_value_t)]
    by: By,
}

const EXAMPLES: &str = "Examples:
  heliotrope report
  heliotrope report --from 2026-06-01 --until 2026-06-30 --svg june.svg
  heliotrope report -o json | jq -r .verdict.text
  heliotrope report --decisions a/decisions-*.jsonl b/decisions-*.jsonl --from 2026-06-01";

/// A report with what is known of where it comes from.
#[derive(Serialize)]
struct Sourced<'r> {
    #[serde(flatten)]
    report: &'r Report,
    /// Files of the decision log; nothing for a report that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    decisions: Option<&'r Recounted>,
}

/// What a figure is broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum By {
    /// Days in UTC.
    #[default]
    Day,
    /// Zones of the bound nodes.
    Zone,
}

impl ReportCommand {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from > until
        {
            return Err(Failure::Usage(format!("--from {from} is after --until {until}")));
        }
        let (report, recounted) = if self.decisions.is_empty() {
            (self.ask()?, None)
        } else {
            let (report, recounted) = log::recounted(&self.decisions, (self.from, self.until))?;
            (report, Some(recounted))
        };
        if let Some(path) = &self.svg {
            let drawn = figure::draw(&report, self.by);
            std::fs::write(path, drawn).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        match self.output {
            Output::Json => render::json(
                out,
                &Sourced {
                    report: &report,
                    decisions: recounted.as_ref(),
                },
            )?,
            Output::Table => {
                tables::write(out, &report)?;
                if let Some(recounted) = &recounted {
                    log::write(out, recounted)?;
                }
            }
        }
        if let Some(path) = &self.svg {
            eprintln!("figure: {}", path.display());
        }
        Ok(())
    }

    fn ask(&self) -> anyhow::Result<Report> {
        let days = [("from", self.from), ("until", self.until)];
        let days: Vec<(&str, String)> = days
            .into_iter()
            .filter_map(|(key, day)| Some((key, day?.to_string())))
            .collect();
        let query: Vec<(&str, &str)> = days.iter().map(|(key, day)| (*key, day.as_str())).collect();
        let body = admin::get(&self.admin, "report", &query)?;
        let body = body.map_err(|error| anyhow!("{error}: is the extender running, and of this version?"))?;
        serde_json::from_slice(&body).context("the answer is not a report: is the extender of this version?")
    }
}
