//! `heliotrope demo`: the main job on a machine that has nothing but the binary.
//!
//! Owns the command's arguments, its progress line, its tables and its figure. An [`Outcome`] comes from `app::demo`, text
//! leaves. Must never print a figure that was not computed in that run, and must say what is simulated.

mod figure;
mod progress;
mod summary;

use super::failure::Failure;
use super::render::{self, Output};
use crate::app::demo::{self, Options, Outcome};
use anyhow::Context;
use clap::Args;
use heliotrope_core::quantity::parse_duration;
use progress::ProgressLine;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Show on a simulated cluster what Heliotrope does: no cluster, key or network needed
///
/// Plays one day of a GPU cluster in three regions: grids whose intensity follows the day, nodes whose power is measured as
/// dcgm-exporter shows it, and a stream of Jobs and Deployments. All that is simulated, and kube-scheduler is a model. The
/// extender is the real one: it is asked over HTTP on loopback with the bodies that kube-scheduler sends. The same pods are
/// placed by a model of the default scheduler too, and both sides are compared.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Demo {
    /// How long the day takes on the clock on the wall: 1s to 10m. A shorter day has longer rounds of scheduling
    #[arg(long = "for", default_value = "30s", value_parser = wall, value_name = "DURATION")]
    wall: Duration,

    /// What the simulated world is made from: the same seed and duration give the same day
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Write one JSON line a decision, with every input of its grams
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Draw grams by hour into an SVG file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  heliotrope demo
  heliotrope demo --for 10s --seed 7 --svg day.svg
  heliotrope demo -o json --log day.jsonl > day.json && python3 hack/recompute-grams.py day.jsonl day.json";

fn wall(text: &str) -> Result<Duration, String> {
    let span = parse_duration(text).map_err(|error| error.to_string())?.unsigned_abs();
    let allowed = Duration::from_secs(1)..=Duration::from_secs(600);
    allowed
        .contains(&span)
        .then_some(span)
        .ok_or_else(|| "must be between 1s and 10m".to_owned())
}

impl Demo {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        // Before the day is played: a path that cannot be written is better known at once.
        let mut log = self.log.as_deref().map(create).transpose()?;
        let mut svg = self.svg.as_deref().map(create).transpose()?;
        let outcome = self.play()?;
        if let Some(file) = &mut log {
            outcome.write_log(file).context("the log cannot be written")?;
        }
        if let Some(file) = &mut svg {
            let drawn = figure::draw(&outcome.report);
            file.write_all(drawn.as_bytes())
                .context("the figure cannot be written")?;
            file.flush().context("the figure cannot be written")?;
        }
        match self.output {
            Output::Json => render::json(out, &outcome.report)?,
            Output::Table => summary::write(out, &outcome.report)?,
        }
        for (what, path) in [("log", &self.log), ("figure", &self.svg)] {
            if let Some(path) = path {
                eprintln!("{what}: {}", path.display());
            }
        }
        Ok(())
    }

    fn play(&self) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no runtime")?;
        let options = Options {
            seed: self.seed,
            wall: self.wall,
        };
        let mut line = ProgressLine::new(std::io::stderr().is_terminal());
        let outcome = runtime.block_on(demo::run(options, |progress| line.show(progress)));
        line.end();
        outcome
    }
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(BufWriter::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_time_is_bounded() {
        assert_eq!(wall("90s"), Ok(Duration::from_secs(90)));
        for refused in ["0s", "500ms", "1h", "soon"] {
            assert!(wall(refused).is_err(), "{refused}");
        }
    }
}
