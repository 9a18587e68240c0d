use super::arrivals::Arrivals;
use super::meter::{Meter, Outcome, Second};
use super::oracle::fewest;
use super::policy::{Policy, PolicyKind};
use super::pool::Pool;
use super::queue::Queue;
use super::service::{RATE_WINDOW, SYNC, Service, seconds};
use crate::quantity::{Grams, GramsPerKwh, Joules};
use crate::simulator::{FIRST_INSTANT, later};
use jiff::SignedDuration;
use serde::Serialize;

/// Requests that waited longer than this many seconds are late.
const LATE: i64 = 2;
const MINUTE: usize = 60;

/// One policy at one target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Who.
    pub policy: PolicyKind,
    /// The share of its capacity that a replica is to be used at; none for the oracle.
    pub target: Option<f64>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The measured days of a load.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// All seconds of the load.
    pub arrivals: &'a Arrivals,
    /// The first second that is measured.
    pub from: usize,
    /// What a replica is.
    pub service: &'a Service,
    /// How long it takes to start.
    pub cold_start: SignedDuration,
    /// Of each measured minute.
    pub intensity: &'a [GramsPerKwh],
}

impl Trial<'_> {
    fn counts(&self) -> &[u32] {
        self.arrivals.seconds().get(self.from..).unwrap_or_default()
    }

    /// Plays the days with a policy that begins with as many replicas as the first minute needs at its target.
    pub(super) fn play(&self, mut policy: Policy, target: f64) -> Outcome {
        let counts = self.counts();
        let first: u32 = counts.iter().take(RATE_WINDOW).sum();
        let mut sum = f64::from(first);
        let begin = whole(sum / RATE_WINDOW as f64 / (target * self.service.capacity)).max(1);
        let mut pool = Pool::new(begin, seconds(self.cold_start));
        let (mut queue, mut meter) = (Queue::default(), Meter::default());
        let mut now = 0_i64;
        for (place, came) in counts.iter().enumerate() {
            // The first minute is taken to be as the minute before it.
            if let Some(left) = place.checked_sub(RATE_WINDOW).and_then(|left| counts.get(left)) {
                sum += f64::from(*came) - f64::from(*left);
            }
            let rate = sum / RATE_WINDOW as f64;
            pool.tick(now);
            if now % SYNC == 0 {
                let at = i64::try_from(self.from).unwrap_or(0).saturating_add(now);
                let at = later(FIRST_INSTANT, SignedDuration::from_secs(at));
                let to = policy.decide(pool.total(), rate, queue.age(now), at);
                pool.scale(to, now);
            }
            let room = f64::from(pool.ready()) * self.service.capacity;
            let came = f64::from(*came);
            meter.second(&Second {
                now,
                total: pool.total(),
                room,
                came,
                rate,
                served: queue.second(now, came, room, LATE),
            });
            now += 1;
            if (place + 1) % MINUTE == 0 {
                let intensity = self.intensity.get(place / MINUTE).copied();
                meter.minute(self.service, intensity.unwrap_or_default());
            }
        }
        meter.done(now)
    }

    /// What the fewest replicas come to that serve every minute within the minute.
    pub(super) fn oracle(&self) -> Outcome {
        let minutes: Vec<f64> = self
            .counts()
            .chunks_exact(MINUTE)
            .map(|minute| minute.iter().map(|came| f64::from(*came)).sum())
            .collect();
        let room = self.service.capacity * MINUTE as f64;
        let need: Vec<i32> = minutes.iter().map(|came| whole(came / room)).collect();
        let cold = usize::try_from(seconds(self.cold_start)).unwrap_or(0).div_ceil(MINUTE);
        let total = fewest(&need, cold);
        let all = minutes.iter().zip(&total).zip(self.intensity);
        let grams = all.map(|((came, total), intensity)| {
            let joules = self.service.joules(f64::from(*total), MINUTE as f64, *came);
            Joules::saturating(joules).at(*intensity)
        });
        Outcome {
            replica_hours: total.iter().map(|total| f64::from(*total)).sum::<f64>() / 60.0,
            under_provisioned_minutes: 0,
            minutes: u32::try_from(minutes.len()).unwrap_or(u32::MAX),
            late_share: 0.0,
            to_capacity: None,
            grams: grams.sum::<Grams>(),
            most: total.iter().copied().max().unwrap_or(0),
        }
    }
}

/// The next whole number of replicas.
fn whole(replicas: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
    let whole = replicas.ceil() as i32;
    whole
}
