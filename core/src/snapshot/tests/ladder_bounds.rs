//! G5: stale data degrades along the documented ladder and never past its bound.

use super::*;
use crate::quantity::Rung;
use proptest::prelude::*;

/// What was reported, in seconds. The rule over bare times is the oracle.
#[derive(Debug, Clone, Copy)]
struct Said {
    latest: (i64, i64),
    issued: i64,
    forecast: (i64, i64),
}

/// A bound of each rung in seconds: live, live or last known, forecast.
#[derive(Debug, Clone, Copy)]
struct Bounds(i64, i64, i64);

impl Bounds {
    fn ladder(self) -> LadderBounds {
        LadderBounds {
            live_grace: SignedDuration::from_secs(self.0),
            last_known_for: SignedDuration::from_secs(self.1 - self.0),
            forecast_for: SignedDuration::from_secs(self.2),
        }
    }
}

fn expected(said: Said, bounds: Bounds, now: i64) -> [bool; 3] {
    let (from, until) = said.latest;
    let held = |reach| from <= now + 60 && now < until + reach;
    let (first, end) = said.forecast;
    let forecast = first <= now && now < end && now - said.issued < bounds.2;
    [held(bounds.0), held(bounds.1), forecast]
}

fn told(said: Said) -> CarbonReport {
    let value = LatestIntensity {
        value: grams(100.0),
        from: second(said.latest.0),
        until: second(said.latest.1),
        estimated: false,
    };
    let point = IntensityPoint {
        from: second(said.forecast.0),
        value: grams(200.0),
    };
    let forecast = Forecast {
        issued_at: second(said.issued),
        points: vec![point],
        until: second(said.forecast.1),
    };
    CarbonReport {
        latest: Some(value),
        forecast: Some(forecast),
        fixed: Some(grams(300.0)),
        ..report()
    }
}

fn rungs(builder: &mut SnapshotBuilder, now: i64) -> [bool; 3] {
    let snapshot = builder.build(second(now));
    [Rung::Live, Rung::LastKnown, Rung::Forecast].map(|rung| snapshot.zones()[0].view(rung).is_some())
}

proptest! {
    /// Built every few seconds, as the writer does: a picture kept a little too long would show here.
    #[test]
    fn g5_each_rung_ends_with_its_bound_to_the_second(
        period in 60i64..3600, grace in 0i64..900, known in 0i64..3600, ahead in 60i64..7200, counts in 60i64..7200,
        steps in prop::collection::vec(1i64..40, 1..200),
    ) {
        let bounds = Bounds(grace, grace + known, counts);
        let said = Said { latest: (0, period), issued: 0, forecast: (0, ahead) };
        let mut builder = SnapshotBuilder::new(Surroundings { ladder: bounds.ladder(), ..surroundings() });
        builder.apply_carbon(told(said), second(0)).unwrap();
        let mut now = 0;
        for step in steps {
            prop_assert_eq!(rungs(&mut builder, now), expected(said, bounds, now), "at {} s", now);
            now += step;
        }
    }

    #[test]
    fn g5_no_clock_of_a_provider_stretches_a_bound(
        from in -7200i64..7200, length in 1i64..3600, issued in -7200i64..7200, first in -3600i64..3600, ahead in 1i64..7200,
        now in 0i64..7200,
    ) {
        let bounds = Bounds(600, 4200, 3600);
        let said = Said { latest: (from, from + length), issued, forecast: (first, first + ahead) };
        let mut builder = SnapshotBuilder::new(Surroundings { ladder: bounds.ladder(), ..surroundings() });
        builder.apply_carbon(told(said), second(0)).unwrap();
        // Received at zero: what is dated later is not an observation, and no forecast is younger than its receipt.
        let believed = Said { issued: issued.min(0), ..said };
        let [live, known, forecast] = expected(believed, bounds, now);
        let observed = from <= 60;
        prop_assert_eq!(rungs(&mut builder, now), [live && observed, known && observed, forecast]);
    }
}

#[test]
fn g5_an_outage_walks_the_whole_ladder() {
    let mut builder = builder();
    let two_days: Vec<_> = (-96..0).map(|i| point(30 * i, 400.0)).collect();
    let said = Said {
        latest: (0, 1800),
        issued: 0,
        forecast: (0, 3 * 3600),
    };
    builder
        .apply_carbon(
            CarbonReport {
                history: two_days,
                ..told(said)
            },
            second(0),
        )
        .unwrap();
    let walk = [
        (0, Rung::Live, 100.0),
        (39, Rung::Live, 100.0),
        (40, Rung::LastKnown, 100.0),
        (99, Rung::LastKnown, 100.0),
        (100, Rung::Forecast, 200.0),
        (179, Rung::Forecast, 200.0),
        (180, Rung::Climatology, 400.0),
    ];
    for (at, rung, value) in walk {
        let snapshot = builder.build(minute(at));
        let (best, view) = snapshot.zones()[0].best().unwrap();
        assert_eq!((best, view.now.get()), (rung, value), "minute {at}");
    }
}

#[test]
fn g5_the_usual_day_is_that_of_the_last_seven_and_no_older() {
    let mut builder = builder();
    let history = (-144..0).map(|i| point(30 * i, 400.0)).collect();
    builder
        .apply_carbon(
            CarbonReport {
                history,
                fixed: Some(grams(300.0)),
                ..report()
            },
            second(0),
        )
        .unwrap();
    // Three days were seen. A week after the first of them only two are left, and then too few.
    let last_day = 5 * 24 * 60;
    for (at, rung) in [
        (0, Rung::Climatology),
        (last_day, Rung::Climatology),
        (last_day + 60, Rung::Static),
    ] {
        let snapshot = builder.build(minute(at));
        assert_eq!(
            snapshot.zones()[0].best().map(|(rung, _)| rung),
            Some(rung),
            "minute {at}"
        );
    }
}
