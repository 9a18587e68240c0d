use super::signal::Signal;
use crate::quantity::GramsPerKwh;
use jiff::{SignedDuration, Timestamp};

/// Carbon intensity of where the replicas run: now, and as far as it is forecast.
#[derive(Debug, Clone, Copy)]
pub struct Outlook<'a> {
    /// Of now.
    pub now: Signal<GramsPerKwh>,
    /// From when on which value is expected, in order; each holds until the next.
    pub ahead: &'a [(Timestamp, GramsPerKwh)],
    /// Until when the last one holds. Beyond it nothing is known, which is not the same as no carbon.
    pub until: Timestamp,
    /// Whether whoever asks has only just begun to: what is not known may be on its way, and what held before goes on.
    pub awaited: bool,
}

impl Outlook<'_> {
    /// Nothing is known.
    pub const NONE: Outlook<'static> = Outlook {
        now: Signal::Absent,
        ahead: &[],
        until: Timestamp::MIN,
        awaited: false,
    };

    /// The value at a moment not before `now`.
    pub(super) fn at(&self, when: Timestamp) -> Option<GramsPerKwh> {
        let next = self.ahead.partition_point(|(from, _)| *from <= when);
        match next.checked_sub(1).and_then(|last| self.ahead.get(last)) {
            None => self.now.fresh(),
            Some((_, value)) => (when < self.until).then_some(*value),
        }
    }

    /// The mean over a stretch, where all of it is known.
    fn mean(&self, from: Timestamp, stretch: SignedDuration) -> Option<f64> {
        if stretch.is_zero() {
            return self.at(from).map(GramsPerKwh::get);
        }
        let until = from.saturating_add(stretch).ok()?;
        if until > self.until {
            return None;
        }
        let (mut sum, mut at) = (0.0, from);
        while at < until {
            let next = self.ahead.partition_point(|(from, _)| *from <= at);
            let change = self.ahead.get(next).map_or(until, |(from, _)| (*from).min(until));
            sum += self.at(at)?.get() * change.duration_since(at).as_secs_f64();
            at = change;
        }
        Some(sum / stretch.as_secs_f64())
    }

    /// The lowest mean over a stretch that begins after `when`, at the latest `within` later.
    pub(super) fn best(&self, when: Timestamp, within: SignedDuration, stretch: SignedDuration) -> Option<f64> {
        let last = when.saturating_add(within).unwrap_or(Timestamp::MAX);
        let first = self.ahead.partition_point(|(from, _)| *from <= when);
        let begins = self.ahead.get(first..).unwrap_or_default().iter();
        let begins = begins.map(|(from, _)| *from).take_while(|from| *from <= last);
        let means = begins.filter_map(|from| self.mean(from, stretch));
        means.fold(None, |best: Option<f64>, mean| {
            Some(best.map_or(mean, |best| best.min(mean)))
        })
    }

    /// The moments after `when`, up to `until`, at which the value changes.
    pub(super) fn changes(&self, when: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        let first = self.ahead.partition_point(|(from, _)| *from <= when);
        let later = self.ahead.get(first..).unwrap_or_default().iter();
        later.map(|(from, _)| *from).take_while(move |from| *from <= until)
    }
}
