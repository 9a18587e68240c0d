use super::series::StepSeries;
use super::service::{Service, seconds};
use crate::rightsizing::schedule::{ClockZone, Days, Level, Schedule};
use jiff::SignedDuration;
use jiff::civil::Time;

/// Hours of a day.
const HOURS: usize = 24;
const HOUR: usize = 3600;

/// Which value of an hour's windows of the days before a level is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usual {
    /// The largest: what somebody sets who has nothing but the schedule.
    Most,
    /// The middle one: a floor under something that also looks at the load.
    Median,
}

/// A floor for each hour of the day, from the first days of a load, that begins one cold start before the hour.
pub(super) fn schedule(
    load: &StepSeries,
    days: usize,
    usual: Usual,
    (service, target, cold_start): (&Service, f64, SignedDuration),
) -> Schedule {
    let width = usize::try_from(load.width()).unwrap_or(1).max(1);
    let mut hours: Vec<Vec<f64>> = vec![Vec::new(); HOURS];
    for (place, rate) in load.values().iter().enumerate() {
        let second = place * width;
        if second >= days * HOURS * HOUR {
            break;
        }
        // A window that is wider than an hour counts to each hour that it touches.
        let last = (second + width - 1) / HOUR;
        for hour in second / HOUR..=last {
            if let Some(hour) = hours.get_mut(hour % HOURS) {
                hour.push(*rate);
            }
        }
    }
    let levels = (0_i8..).zip(&mut hours).filter_map(|(hour, rates)| {
        rates.sort_by(f64::total_cmp);
        let rate = match usual {
            Usual::Most => rates.last(),
            Usual::Median => rates.get(rates.len() / 2),
        }?;
        #[expect(clippy::cast_possible_truncation, reason = "a number of replicas")]
        let min = (rate / (target * service.capacity)).ceil() as i32;
        let from = Time::new(hour, 0, 0, 0).ok()?;
        Some(Level {
            days: Days::ALL,
            from: from.wrapping_sub(SignedDuration::from_secs(seconds(cold_start))),
            until: from.wrapping_add(SignedDuration::from_hours(1)),
            zone: ClockZone::UTC,
            min: Some(min),
            max: None,
            ramp: SignedDuration::ZERO,
        })
    });
    Schedule {
        levels: levels.collect(),
        events: Vec::new(),
    }
}
