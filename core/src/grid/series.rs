use crate::quantity::GramsPerKwh;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// An intensity that holds from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IntensityPoint {
    /// Start of the period.
    pub from: Timestamp,
    /// Intensity over the period.
    pub value: GramsPerKwh,
}

/// A series as it is written down: points as pairs of nanoseconds after the one before and g/kWh, a third as long as with
/// dates and names. Made again from them it is the same to the last bit.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    from: Timestamp,
    steps: Vec<(i64, GramsPerKwh)>,
    end: Timestamp,
}

impl From<IntensitySeries> for Written {
    fn from(series: IntensitySeries) -> Self {
        let from = series.start();
        let mut before = from;
        let steps = series.points.iter().map(|point| {
            let step = i64::try_from(point.from.duration_since(before).as_nanos()).unwrap_or(i64::MAX);
            before = point.from;
            (step, point.value)
        });
        Self {
            steps: steps.collect(),
            from,
            end: series.end,
        }
    }
}

impl TryFrom<Written> for IntensitySeries {
    type Error = SeriesError;
    fn try_from(written: Written) -> Result<Self, SeriesError> {
        let mut at = written.from;
        let points = written.steps.into_iter().map(|(step, value)| {
            at = at
                .saturating_add(SignedDuration::from_nanos(step))
                .unwrap_or(Timestamp::MAX);
            IntensityPoint { from: at, value }
        });
        Self::new(points.collect(), written.end)
    }
}

/// Why points are not a series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// No points at all.
    #[error("an intensity series needs at least one point")]
    Empty,
    /// The end is not after the last point.
    #[error("an intensity series must end after its last point, {last}")]
    EndsTooEarly {
        /// The last point's start.
        last: Timestamp,
    },
}

/// Carbon intensity as a step function of time over `[start, end)`, with its prefix integral: the mean over any interval
/// is two look-ups, however long the interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct IntensitySeries {
    points: Vec<IntensityPoint>,
    /// `integral[i]` is the integral from the start to `points[i].from`, in (g/kWh)·s.
    integral: Vec<f64>,
    end: Timestamp,
    total: f64,
}

impl IntensitySeries {
    /// Builds a series from points in any order; of two points with the same start the later one in the list holds
    /// (the GB API has been seen to repeat a period). Each value holds until the next point, the last one until `end`.
    ///
    /// # Errors
    /// When there is no point, or `end` is not after the last one.
    pub fn new(mut points: Vec<IntensityPoint>, end: Timestamp) -> Result<Self, SeriesError> {
        points.sort_by_key(|point| point.from);
        points.reverse();
        points.dedup_by_key(|point| point.from);
        points.reverse();
        let Some(last) = points.last() else {
            return Err(SeriesError::Empty);
        };
        if end <= last.from {
            return Err(SeriesError::EndsTooEarly { last: last.from });
        }
        let mut integral = Vec::with_capacity(points.len());
        let mut sum = 0.0;
        let mut previous: Option<IntensityPoint> = None;
        for point in &points {
            if let Some(previous) = previous {
                sum += previous.value.get() * seconds(previous.from, point.from);
            }
            integral.push(sum);
            previous = Some(*point);
        }
        let total = sum + last_value(&points) * seconds(points.last().map_or(end, |p| p.from), end);
        Ok(Self {
            points,
            integral,
            end,
            total,
        })
    }

    /// One value for ever, as seen from `from`: a yearly average, or a live value where nothing is known of the future.
    #[must_use]
    pub fn constant(value: GramsPerKwh, from: Timestamp) -> Self {
        let day = SignedDuration::from_hours(24);
        let end = from.saturating_add(day).unwrap_or(Timestamp::MAX);
        let total = value.get() * seconds(from, end);
        Self {
            points: vec![IntensityPoint { from, value }],
            integral: vec![0.0],
            end,
            total,
        }
    }

    /// Start of the first period.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.points.first().map_or(self.end, |point| point.from)
    }

    /// End of the last period.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The points, in order.
    #[must_use]
    pub fn points(&self) -> &[IntensityPoint] {
        &self.points
    }

    /// The value at a moment within the series.
    #[must_use]
    pub fn at(&self, when: Timestamp) -> Option<GramsPerKwh> {
        if when >= self.end {
            return None;
        }
        let after = self.points.partition_point(|point| point.from <= when);
        after
            .checked_sub(1)
            .and_then(|i| self.points.get(i))
            .map(|point| point.value)
    }

    /// The next moment after `when` at which the value changes.
    #[must_use]
    pub fn next_change(&self, when: Timestamp) -> Option<Timestamp> {
        let after = self.points.partition_point(|point| point.from <= when);
        let next = self.points.get(after).map_or(self.end, |point| point.from);
        (next > when).then_some(next)
    }

    /// The mean over `[from, from + span]`. Outside the series its own mean is assumed: a forecast of two days says
    /// about the third what its average says. An empty span is the value at `from`.
    #[must_use]
    pub fn mean(&self, from: Timestamp, span: SignedDuration) -> GramsPerKwh {
        let width = span.as_secs_f64();
        if width <= 0.0 {
            return self.at(from).unwrap_or_else(|| self.overall_mean());
        }
        let until = from.saturating_add(span).unwrap_or(Timestamp::MAX);
        GramsPerKwh::saturating((self.cumulative(until) - self.cumulative(from)) / seconds(from, until))
    }

    fn overall_mean(&self) -> GramsPerKwh {
        GramsPerKwh::saturating(self.total / seconds(self.start(), self.end))
    }

    /// Integral from the start to `when`, continued outside with the overall mean; negative before the start.
    fn cumulative(&self, when: Timestamp) -> f64 {
        if when >= self.end {
            return self.total + self.overall_mean().get() * seconds(self.end, when);
        }
        let after = self.points.partition_point(|point| point.from <= when);
        let inside = after
            .checked_sub(1)
            .and_then(|i| Some((self.points.get(i)?, self.integral.get(i)?)));
        match inside {
            Some((point, sum)) => sum + point.value.get() * seconds(point.from, when),
            None => -self.overall_mean().get() * seconds(when, self.start()),
        }
    }
}

fn seconds(from: Timestamp, until: Timestamp) -> f64 {
    until.duration_since(from).as_secs_f64()
}

fn last_value(points: &[IntensityPoint]) -> f64 {
    points.last().map_or(0.0, |point| point.value.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap()
    }

    fn series(values: &[f64]) -> IntensitySeries {
        let points = (0i64..).zip(values).map(|(h, v)| IntensityPoint {
            from: at(h),
            value: GramsPerKwh::saturating(*v),
        });
        IntensitySeries::new(points.collect(), at(i64::try_from(values.len()).unwrap())).unwrap()
    }

    #[test]
    fn the_mean_weighs_by_time() {
        let s = series(&[100.0, 300.0]);
        let mean = s.mean(at(0), SignedDuration::from_mins(90));
        assert!((mean.get() - (100.0 * 60.0 + 300.0 * 30.0) / 90.0).abs() < 1e-9);
    }

    #[test]
    fn outside_the_series_its_mean_is_assumed() {
        let s = series(&[100.0, 300.0]);
        assert!((s.mean(at(5), SignedDuration::from_hours(2)).get() - 200.0).abs() < 1e-9);
        assert!((s.mean(at(-4), SignedDuration::from_hours(2)).get() - 200.0).abs() < 1e-9);
    }

    #[test]
    fn the_next_change_is_the_next_point_or_the_end() {
        let s = series(&[100.0, 300.0]);
        assert_eq!(s.next_change(at(-1)), Some(at(0)));
        assert_eq!(s.next_change(at(0)), Some(at(1)));
        assert_eq!(s.next_change(at(1)), Some(at(2)));
        assert_eq!(s.next_change(at(2)), None);
    }

    #[test]
    fn a_repeated_period_takes_the_later_value() {
        let twice = vec![
            IntensityPoint {
                from: at(0),
                value: GramsPerKwh::saturating(1.0),
            },
            IntensityPoint {
                from: at(0),
                value: GramsPerKwh::saturating(2.0),
            },
        ];
        assert_eq!(
            IntensitySeries::new(twice, at(1)).unwrap().at(at(0)),
            Some(GramsPerKwh::saturating(2.0))
        );
    }

    proptest! {
        #[test]
        fn the_integral_agrees_with_a_sum_of_minutes(
            values in prop::collection::vec(0.0f64..1000.0, 1..30), from in -60i64..2000, minutes in 1i64..2000,
        ) {
            let s = series(&values);
            let fallback = values.iter().sum::<f64>() / values.len() as f64;
            let start = at(0) + SignedDuration::from_mins(from);
            let sum: f64 = (0..minutes)
                .map(|m| s.at(start + SignedDuration::from_mins(m)).map_or(fallback, GramsPerKwh::get))
                .sum();
            let mean = s.mean(start, SignedDuration::from_mins(minutes)).get();
            prop_assert!((mean - sum / minutes as f64).abs() < 1e-6, "{mean} against {}", sum / minutes as f64);
        }
    }
}
