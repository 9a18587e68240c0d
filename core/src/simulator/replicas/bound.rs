use super::series::StepSeries;
use super::service::Service;
use crate::quantity::{GramsPerKwh, Ratio};
use crate::rightsizing::{CarbonRule, Ceiling, Trigger};
use jiff::SignedDuration;
use serde::Serialize;

/// How long the bound rests after requests waited too long.
const REST: SignedDuration = SignedDuration::from_mins(10);

/// A carbon bound as somebody sets it who knows the days before and nothing of the days to come: dirty is the dirtier third of
/// their minutes, until an intensity that half of them were above.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bound {
    /// Dirty from here on.
    pub enter: GramsPerKwh,
    /// Clean again from here down.
    pub leave: GramsPerKwh,
    /// The share of the replicas for the largest window of those days that may run while the grid is dirty.
    pub share: Ratio,
    /// That window, in requests a second.
    #[serde(skip)]
    most: f64,
}

impl Bound {
    /// From the minutes of the first days; nothing where there are none.
    pub(super) fn of(load: &StepSeries, minutes: &[GramsPerKwh], share: Ratio) -> Option<Self> {
        let mut sorted: Vec<f64> = minutes.iter().map(|value| value.get()).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().map(GramsPerKwh::saturating);
        let rates = (0..minutes.len()).map(|minute| load.at(minute * 60));
        Some(Self {
            enter: at(sorted.len() * 2 / 3)?,
            leave: at(sorted.len() / 2)?,
            share,
            most: rates.fold(0.0, f64::max),
        })
    }

    /// For replicas that are to be used at a share of their capacity.
    pub(super) fn rule(&self, service: &Service, target: f64) -> CarbonRule {
        let needed = self.most / (target * service.capacity);
        #[expect(clippy::cast_possible_truncation, reason = "a number of replicas")]
        let ceiling = (needed * self.share.get()).ceil() as i32;
        CarbonRule {
            when: Trigger::Above {
                enter: self.enter,
                leave: self.leave,
            },
            ceiling: Ceiling::Replicas(ceiling.max(1)),
            rest: REST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Watts;
    use crate::simulator::replicas::Column;

    /// Two days, the second of twice the load of the first.
    const LOAD: &str = "window_start_seconds,requests_per_second\n0,30\n43200,60\n86400,120\n129600,120\n";

    #[test]
    fn it_is_made_from_the_days_before_and_nothing_else() {
        let load = StepSeries::parse(LOAD, Column::RequestsPerSecond).unwrap();
        let minutes: Vec<_> = (0..1440)
            .map(|minute| GramsPerKwh::saturating(f64::from(minute)))
            .collect();
        let bound = Bound::of(&load, &minutes, Ratio::saturating(0.5)).unwrap();
        assert_eq!((bound.enter.get(), bound.leave.get()), (960.0, 720.0));
        let service = Service {
            capacity: 5.0,
            idle: Watts::ZERO,
            busy: Watts::ZERO,
        };
        // 60 requests a second are 12 replicas at full use, 15 at four fifths of it; half of them may run.
        for (target, ceiling) in [(1.0, 6), (0.8, 8)] {
            assert_eq!(bound.rule(&service, target).ceiling, Ceiling::Replicas(ceiling));
        }
        assert_eq!(Bound::of(&load, &[], Ratio::ONE), None);
    }
}
