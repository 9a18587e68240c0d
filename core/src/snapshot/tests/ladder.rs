//! What a zone says on each rung, and what is expected to follow.

use super::*;
use crate::quantity::Rung;

fn state(builder: &mut SnapshotBuilder, now: Timestamp) -> Arc<ZoneState> {
    Arc::clone(&builder.build(now).zones()[0])
}

fn best(builder: &mut SnapshotBuilder, now: Timestamp) -> Option<(Rung, f64)> {
    state(builder, now).best().map(|(rung, view)| (rung, view.now.get()))
}

/// Half-hours of a forecast from a minute on.
fn forecast(from: i64, values: &[f64]) -> Forecast {
    Forecast {
        issued_at: minute(from),
        points: (0..).zip(values).map(|(i, v)| point(from + 30 * i, *v)).collect(),
        until: minute(from + 30 * i64::try_from(values.len()).unwrap()),
    }
}

/// Two days of half-hours before minute zero, all of one value.
fn two_days(value: f64) -> Vec<IntensityPoint> {
    (-96..0).map(|i| point(30 * i, value)).collect()
}

#[test]
fn a_value_dated_in_the_future_does_not_keep_true_ones_out() {
    let mut builder = builder();
    for latest in [latest(900.0, 5_000_000, 5_000_030), latest(100.0, 0, 30)] {
        let report = CarbonReport {
            latest: Some(latest),
            ..report()
        };
        builder.apply_carbon(report, minute(1)).unwrap();
    }
    assert_eq!(best(&mut builder, minute(1)), Some((Rung::Live, 100.0)));
}

#[test]
fn a_clock_that_is_a_minute_ahead_is_believed() {
    let mut builder = builder();
    let report = CarbonReport {
        latest: Some(latest(100.0, 1, 31)),
        ..report()
    };
    builder.apply_carbon(report, minute(0)).unwrap();
    assert_eq!(best(&mut builder, minute(0)), Some((Rung::Live, 100.0)));
}

#[test]
fn a_period_that_ends_before_it_begins_says_nothing() {
    let mut builder = builder();
    let report = CarbonReport {
        latest: Some(latest(100.0, 30, 30)),
        ..report()
    };
    builder.apply_carbon(report, minute(31)).unwrap();
    assert_eq!(best(&mut builder, minute(31)), None);
}

#[test]
fn an_older_value_does_not_replace_a_newer_one_and_a_restated_one_does() {
    let mut builder = builder();
    for latest in [latest(100.0, 30, 60), latest(200.0, 0, 30), latest(110.0, 30, 60)] {
        let report = CarbonReport {
            latest: Some(latest),
            ..report()
        };
        builder.apply_carbon(report, minute(31)).unwrap();
    }
    assert_eq!(best(&mut builder, minute(31)), Some((Rung::Live, 110.0)));
}

#[test]
fn the_first_of_the_chain_wins_while_it_counts() {
    let mut builder = builder();
    let second = CarbonReport {
        priority: 1,
        latest: Some(latest(200.0, 0, 300)),
        ..report()
    };
    let first = CarbonReport {
        latest: Some(latest(100.0, 0, 30)),
        ..report()
    };
    builder.apply_carbon(second, minute(0)).unwrap();
    builder.apply_carbon(first, minute(0)).unwrap();
    assert_eq!(best(&mut builder, minute(20)), Some((Rung::Live, 100.0)));
    assert_eq!(
        best(&mut builder, minute(40)),
        Some((Rung::Live, 200.0)),
        "a live value of the second is better than the last known one of the first"
    );
    let last_known = state(&mut builder, minute(40)).view(Rung::LastKnown).unwrap().now;
    assert_eq!(last_known, grams(100.0));
}

#[test]
fn within_its_period_a_value_gives_way_to_the_forecast_at_its_end() {
    let mut builder = builder();
    let report = CarbonReport {
        latest: Some(latest(100.0, 0, 30)),
        forecast: Some(forecast(0, &[500.0, 200.0, 300.0])),
        ..report()
    };
    builder.apply_carbon(report, minute(10)).unwrap();
    let state = state(&mut builder, minute(10));
    let view = state.view(Rung::Live).unwrap();
    let mean = view.series.mean(minute(10), minutes(80)).get();
    assert!(
        (mean - (100.0 * 20.0 + 200.0 * 30.0 + 300.0 * 30.0) / 80.0).abs() < 1e-9,
        "{mean}"
    );
    assert_eq!(state.view(Rung::Forecast).unwrap().now, grams(500.0));
}

#[test]
fn a_late_value_stands_in_for_now_until_it_stops_to_count() {
    let mut builder = builder();
    let report = CarbonReport {
        latest: Some(latest(100.0, 0, 30)),
        forecast: Some(forecast(0, &[900.0; 8])),
        ..report()
    };
    builder.apply_carbon(report, minute(0)).unwrap();
    // Live for ten minutes past its period, last known for an hour more.
    let state = state(&mut builder, minute(35));
    for (rung, gives_way) in [(Rung::Live, 40), (Rung::LastKnown, 100)] {
        let series = &state.view(rung).unwrap().series;
        let at = |m| series.at(minute(m)).unwrap().get();
        assert_eq!(
            (at(35), at(gives_way - 1), at(gives_way)),
            (100.0, 100.0, 900.0),
            "{rung}"
        );
    }
}

#[test]
fn after_the_forecast_comes_the_usual_day_and_then_the_mean() {
    let mut builder = builder();
    let report = CarbonReport {
        latest: Some(latest(100.0, 0, 30)),
        forecast: Some(forecast(0, &[100.0, 200.0])),
        history: two_days(400.0),
        ..report()
    };
    builder.apply_carbon(report, minute(0)).unwrap();
    let series = state(&mut builder, minute(0)).view(Rung::Live).unwrap().series.clone();
    let at = |m| series.at(minute(m)).map(GramsPerKwh::get);
    assert_eq!(
        [at(0), at(30), at(60), at(72 * 60 - 1)],
        [100.0, 200.0, 400.0, 400.0].map(Some)
    );
    assert_eq!(series.end(), minute(72 * 60));
}

#[test]
fn the_last_period_of_a_forecast_is_not_stretched_over_days() {
    let mut builder = builder();
    let report = CarbonReport {
        latest: Some(latest(100.0, 0, 30)),
        forecast: Some(forecast(0, &[100.0, 100.0, 100.0, 900.0])),
        ..report()
    };
    builder.apply_carbon(report, minute(0)).unwrap();
    let series = state(&mut builder, minute(0)).view(Rung::Live).unwrap().series.clone();
    let mean = series.mean(minute(0), minutes(72 * 60)).get();
    assert!(
        (mean - 300.0).abs() < 1e-6,
        "three days are as their known hours, not as their last one: {mean}"
    );
}

#[test]
fn a_value_alone_is_assumed_to_stay() {
    let mut builder = builder();
    let report = CarbonReport {
        latest: Some(latest(100.0, 0, 30)),
        ..report()
    };
    builder.apply_carbon(report, minute(0)).unwrap();
    let mean = state(&mut builder, minute(5))
        .view(Rung::Live)
        .unwrap()
        .series
        .mean(minute(5), minutes(6000));
    assert!((mean.get() - 100.0).abs() < 1e-9);
}

#[test]
fn a_forecast_that_cannot_be_read_leaves_room_for_the_next_of_the_chain() {
    let mut builder = builder();
    let broken = Forecast {
        until: minute(0),
        ..forecast(0, &[100.0])
    };
    let second = CarbonReport {
        priority: 1,
        forecast: Some(forecast(0, &[200.0, 200.0])),
        ..report()
    };
    builder
        .apply_carbon(
            CarbonReport {
                forecast: Some(broken),
                ..report()
            },
            minute(0),
        )
        .unwrap();
    builder.apply_carbon(second, minute(0)).unwrap();
    assert_eq!(best(&mut builder, minute(1)), Some((Rung::Forecast, 200.0)));
}

#[test]
fn a_report_without_a_part_does_not_erase_it() {
    let mut builder = builder();
    let full = CarbonReport {
        latest: Some(latest(100.0, 0, 30)),
        fixed: Some(grams(50.0)),
        ..report()
    };
    builder.apply_carbon(full, minute(0)).unwrap();
    builder.apply_carbon(report(), minute(1)).unwrap();
    let state = state(&mut builder, minute(1));
    assert!(state.view(Rung::Live).is_some() && state.view(Rung::Static).is_some());
    assert!(state.view(Rung::Climatology).is_none(), "one value is no usual day");
}

#[test]
fn another_kind_counts_as_missing_and_a_change_of_kind_forgets() {
    let direct = IntensityKind {
        basis: Basis::Direct,
        ..KIND
    };
    let mut builder = builder();
    let of = |kind| CarbonReport {
        kind,
        fixed: Some(grams(100.0)),
        ..report()
    };
    let mismatch = builder.apply_carbon(of(direct), minute(0)).unwrap_err();
    assert_eq!(
        mismatch.to_string(),
        "first reports average/direct intensity for A, but average/lifecycle is ranked"
    );
    builder.apply_carbon(of(KIND), minute(0)).unwrap();
    assert_eq!(best(&mut builder, minute(0)), Some((Rung::Static, 100.0)));
    builder.surround(Surroundings {
        kind: direct,
        ..surroundings()
    });
    assert_eq!(best(&mut builder, minute(0)), None);
}

#[test]
fn new_bounds_count_at_once() {
    let mut builder = builder();
    let report = CarbonReport {
        latest: Some(latest(100.0, 0, 30)),
        ..report()
    };
    builder.apply_carbon(report, minute(0)).unwrap();
    assert_eq!(best(&mut builder, minute(35)), Some((Rung::Live, 100.0)));
    let ladder = LadderBounds {
        live_grace: minutes(1),
        ..LadderBounds::default()
    };
    builder.surround(Surroundings {
        ladder,
        ..surroundings()
    });
    assert_eq!(best(&mut builder, minute(35)), Some((Rung::LastKnown, 100.0)));
}
