use super::{figure, tables};
use crate::cli::failure::Failure;
use crate::cli::render::{self, Output};
use anyhow::Context;
use clap::Args;
use heliotrope_core::quantity::{Watts, parse_duration};
use heliotrope_core::simulator::replicas::{Column, Replay, Service, StepSeries};
use jiff::SignedDuration;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Replay a recorded load: replica-hours, minutes without capacity and grams of four policies and of an oracle
///
/// Each second of a window gets a random number of requests of the window's rate, the same for every policy. Replicas start cold and
/// serve a queue. Every 15 seconds a policy sees the request rate of the last minute and scales: the HorizontalPodAutoscaler as it
/// comes, a schedule made from the first days, our plan, and our plan over such a schedule. The oracle knows the load. The days
/// after the first ones are measured.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Rightsizing {
    /// The load: CSV with the columns window_start_seconds and requests_per_second, or a JSON list of objects with these names
    #[arg(long, value_name = "FILE")]
    load: PathBuf,

    /// Requests that a replica serves in a second; by default a fortieth of the largest window
    #[arg(long, value_name = "N", value_parser = positive)]
    capacity: Option<f64>,

    /// How long a replica takes to start; several are compared one after another
    #[arg(long, value_name = "DURATION", value_delimiter = ',', default_values = ["60s", "120s", "300s"], value_parser = start)]
    cold_start: Vec<SignedDuration>,

    /// Per cent of its capacity that a replica is to be used at; several make the frontier
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_values = ["50", "55", "60", "65", "70", "75", "80", "85", "90", "95"],
        value_parser = clap::value_parser!(u8).range(5..=100))]
    target: Vec<u8>,

    /// Days from the start that schedules are made from. The days after them are measured
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(0..=365))]
    train_days: u16,

    /// What a replica draws while it starts or waits
    #[arg(long, value_name = "WATTS", default_value = "150 W")]
    idle: Watts,

    /// What a replica draws at its capacity
    #[arg(long, value_name = "WATTS", default_value = "500 W")]
    busy: Watts,

    /// The grid: a file as of the load, with the column grams_per_kwh; by default a simulated one
    #[arg(long, value_name = "FILE")]
    carbon: Option<PathBuf>,

    /// What the requests of each second are made from
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Draw the frontier into an SVG file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  heliotrope simulate rightsizing --load rate.csv
  heliotrope simulate rightsizing --load rate.csv --capacity 100 --cold-start 2m --target 70,80 -o json
  heliotrope simulate rightsizing --load rate.csv --carbon grid.csv --idle '90 W' --busy '640 W' --svg frontier.svg";

/// Larger files are refused: two years of minutes have a tenth of it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// The share of the largest window that a replica serves by default.
const REPLICAS_AT_PEAK: f64 = 40.0;

fn positive(text: &str) -> Result<f64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "must be a number above 0".to_owned())
}

fn start(text: &str) -> Result<SignedDuration, String> {
    let span = parse_duration(text).map_err(|error| error.to_string())?;
    let allowed = SignedDuration::ZERO..=SignedDuration::from_hours(1);
    let fits = allowed.contains(&span).then_some(span);
    fits.ok_or_else(|| "must be at most 1h".to_owned())
}

impl Rightsizing {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        if self.busy < self.idle {
            return Err(Failure::Usage("--busy must not be less than --idle".to_owned()));
        }
        let load = series(&self.load, Column::RequestsPerSecond)?;
        let carbon = self.carbon.as_deref().map(|path| series(path, Column::GramsPerKwh));
        // Before anything is played: a path that cannot be written is better known at once.
        let svg = self.svg.as_deref().map(create).transpose()?;
        let peak = load.values().iter().copied().fold(0.0, f64::max);
        let replay = Replay {
            service: Service {
                capacity: self.capacity.unwrap_or(peak / REPLICAS_AT_PEAK),
                idle: self.idle,
                busy: self.busy,
            },
            carbon: carbon.transpose()?,
            cold_starts: self.cold_start,
            targets: self.target.iter().map(|percent| f64::from(*percent) / 100.0).collect(),
            train_days: self.train_days.into(),
            seed: self.seed,
            load,
        };
        let report = replay.run().map_err(|error| Failure::Usage(error.to_string()))?;
        if let Some(mut file) = svg {
            let drawn = figure::draw(&report);
            file.write_all(drawn.as_bytes())
                .context("the figure cannot be written")?;
        }
        match self.output {
            Output::Json => render::json(out, &report)?,
            Output::Table => tables::write(out, &report)?,
        }
        if let Some(path) = &self.svg {
            eprintln!("figure: {}", path.display());
        }
        Ok(())
    }
}

fn series(path: &Path, column: Column) -> Result<StepSeries, Failure> {
    let told = |what: &dyn std::fmt::Display| Failure::Usage(format!("{}: {what}", path.display()));
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| told(&error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(told(&"is larger than 64 MiB"));
    }
    StepSeries::parse(&text, column).map_err(|problem| told(&problem))
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_bounded() {
        assert_eq!(start("2m"), Ok(SignedDuration::from_mins(2)));
        assert!(start("61m").is_err() && start("2").is_err() && start("-1s").is_err());
        assert!(positive("0").is_err() && positive("inf").is_err() && positive("97.5").is_ok());
    }
}
