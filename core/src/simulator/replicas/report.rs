use super::arrivals::Arrivals;
use super::policy::{PolicyKind, Setup};
use super::replay::{Row, Trial};
use super::series::StepSeries;
use super::service::{RATE_WINDOW, SYNC, Service};
use crate::quantity::GramsPerKwh;
use crate::simulator::grid::{SimulatedZone, WorldError, zones};
use crate::simulator::{DAY, FIRST_INSTANT, later};
use jiff::SignedDuration;
use serde::Serialize;

/// What the figures are, and what they are not.
const NOTE: &str = "a recorded load on a model of a service: arrivals within a window, replicas, their start and their power are simulated; the autoscaler's arithmetic and the plan are real";
const DAY_SECONDS: usize = 86_400;
/// Days that the simulated grids are known for.
const GRID_DAYS: i64 = 14;

/// What is to be replayed.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The load.
    pub load: StepSeries,
    /// The grid; none takes the first simulated one of the seed.
    pub carbon: Option<StepSeries>,
    /// What a replica is.
    pub service: Service,
    /// How long replicas take to start, each a comparison of its own.
    pub cold_starts: Vec<SignedDuration>,
    /// The shares of its capacity that a replica is to be used at.
    pub targets: Vec<f64>,
    /// Days from the start of the load that schedules are made from. What comes after is measured.
    pub train_days: usize,
    /// What random numbers are made from.
    pub seed: u64,
}

/// Why nothing can be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Nothing is left to measure.
    #[error("the load has {days} whole days and {train} are for making schedules: at least one more is needed")]
    TooShort {
        /// Whole days of the load.
        days: usize,
        /// Days for schedules.
        train: usize,
    },
    /// The load is nothing at all.
    #[error("the load has no requests")]
    Empty,
    /// No grid.
    #[error(transparent)]
    World(#[from] WorldError),
}

/// All policies under one cold start.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// How long replicas take to start.
    pub cold_start_seconds: i64,
    /// Each policy at each target, and the oracle last.
    pub rows: Vec<Row>,
}

/// Figures of a replay. All of them were computed in that run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Always.
    pub simulated: bool,
    /// What is simulated, what is real.
    pub note: &'static str,
    /// What random numbers were made from.
    pub seed: u64,
    /// Days that schedules were made from.
    pub train_days: usize,
    /// Days that were measured.
    pub measured_days: usize,
    /// Mean of the measured windows, in requests a second.
    pub mean_rate: f64,
    /// The largest window of the whole load.
    pub peak_rate: f64,
    /// Width of a window.
    pub window_seconds: u32,
    /// What a replica is.
    pub service: Service,
    /// Seconds between two decisions.
    pub sync_seconds: i64,
    /// Seconds over which the request rate is averaged that they are made on.
    pub rate_window_seconds: usize,
    /// Whose intensity.
    pub grid: String,
    /// One for each cold start.
    pub comparisons: Vec<Comparison>,
}

impl Replay {
    /// Plays everything.
    ///
    /// # Errors
    /// When the load is too short, or nothing.
    pub fn run(&self) -> Result<Report, ReplayError> {
        let days = self.load.seconds() / DAY_SECONDS;
        let measured_days = days.saturating_sub(self.train_days);
        if measured_days == 0 {
            let train = self.train_days;
            return Err(ReplayError::TooShort { days, train });
        }
        let peak_rate = self.load.values().iter().copied().fold(0.0, f64::max);
        if peak_rate <= 0.0 {
            return Err(ReplayError::Empty);
        }
        let arrivals = Arrivals::of(&self.load, self.seed);
        let from = self.train_days * DAY_SECONDS;
        let (grid, intensity) = self.grid(from)?;
        let measured = (from..self.load.seconds())
            .step_by(60)
            .map(|second| self.load.at(second));
        let measured: Vec<f64> = measured.collect();
        let compare = |cold_start: &SignedDuration| {
            let trial = Trial {
                arrivals: &arrivals,
                from,
                service: &self.service,
                cold_start: *cold_start,
                intensity: &intensity,
            };
            self.compare(&trial, peak_rate)
        };
        Ok(Report {
            simulated: true,
            note: NOTE,
            seed: self.seed,
            train_days: self.train_days,
            measured_days,
            mean_rate: measured.iter().sum::<f64>() / measured.len() as f64,
            peak_rate,
            window_seconds: self.load.width(),
            service: self.service,
            sync_seconds: SYNC,
            rate_window_seconds: RATE_WINDOW,
            grid,
            comparisons: self.cold_starts.iter().map(compare).collect(),
        })
    }

    fn compare(&self, trial: &Trial<'_>, peak: f64) -> Comparison {
        // Nobody is held by it: four times the peak at full use.
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
        let max = (4.0 * peak / self.service.capacity).ceil() as i32;
        let kinds = PolicyKind::DECIDING.into_iter();
        // Without days before, there is nothing to make a schedule from.
        let kinds =
            kinds.filter(|kind| self.train_days > 0 || matches!(kind, PolicyKind::Hpa | PolicyKind::Reactive));
        let mut rows: Vec<Row> = kinds
            .flat_map(|kind| self.targets.iter().map(move |target| (kind, *target)))
            .map(|(policy, target)| {
                let setup = Setup {
                    load: &self.load,
                    days: self.train_days,
                    service: &self.service,
                    target,
                    cold_start: trial.cold_start,
                    max,
                };
                Row {
                    policy,
                    target: Some(target),
                    outcome: trial.play(setup.policy(policy), target),
                }
            })
            .collect();
        rows.push(Row {
            policy: PolicyKind::Oracle,
            target: None,
            outcome: trial.oracle(),
        });
        Comparison {
            cold_start_seconds: trial.cold_start.as_secs(),
            rows,
        }
    }

    /// The intensity of every measured minute, and whose it is.
    fn grid(&self, from: usize) -> Result<(String, Vec<GramsPerKwh>), ReplayError> {
        let minutes = (from..self.load.seconds()).step_by(60);
        if let Some(carbon) = &self.carbon {
            let values = minutes.map(|second| GramsPerKwh::saturating(carbon.at(second)));
            return Ok(("of the file given".to_owned(), values.collect()));
        }
        // The zones are known for a week before and after their day; the load begins with the first of these days.
        let start = later(FIRST_INSTANT, DAY * 7);
        let zones = zones(self.seed, start)?;
        let zone = zones.first();
        let at = |second: usize| {
            let second = i64::try_from(second).unwrap_or(0) % (GRID_DAYS * 86_400);
            let when = later(FIRST_INSTANT, SignedDuration::from_secs(second));
            zone.and_then(|zone| zone.truth.at(when)).unwrap_or_default()
        };
        let name = zone.map_or_else(String::new, |zone: &SimulatedZone| zone.id.to_string());
        Ok((format!("{name} (simulated)"), minutes.map(at).collect()))
    }
}

impl Comparison {
    /// Of a policy, the row of fewest replica-hours among those with no more under-provisioned minutes than given.
    #[must_use]
    pub fn cheapest(&self, policy: PolicyKind, at_most: u32) -> Option<&Row> {
        let rows = self.rows.iter().filter(|row| row.policy == policy);
        let good = rows.filter(|row| row.outcome.under_provisioned_minutes <= at_most);
        good.min_by(|a, b| a.outcome.replica_hours.total_cmp(&b.outcome.replica_hours))
    }

    /// The row of a policy at a target.
    #[must_use]
    pub fn row(&self, policy: PolicyKind, target: f64) -> Option<&Row> {
        let mut rows = self.rows.iter().filter(|row| row.policy == policy);
        rows.find(|row| row.target.is_some_and(|has| (has - target).abs() < 1e-9))
    }
}
