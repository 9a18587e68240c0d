//! The worked example of `docs/formulas/carbon.md`.

use crate::page::Page;
use crate::world::{KIND, World, now, zone_id};
use heliotrope_core::grid::IntensityPoint;
use heliotrope_core::quantity::{GramsPerKwh, Rung, Source};
use heliotrope_core::snapshot::{
    CarbonReport, CarbonView, Forecast, LadderBounds, LatestIntensity, SnapshotBuilder, Surroundings,
};
use jiff::{SignedDuration, Timestamp};

fn minute(minutes: f64) -> Timestamp {
    now() + SignedDuration::try_from_secs_f64(minutes * 60.0).unwrap()
}

fn minutes(page: &Page, key: &str) -> SignedDuration {
    SignedDuration::try_from_secs_f64(page.given(key) * 60.0).unwrap()
}

fn grams(page: &Page, key: &str) -> GramsPerKwh {
    GramsPerKwh::new(page.given(key)).unwrap()
}

fn report(page: &Page) -> CarbonReport {
    let period = page.given("period");
    let predicted = [0.0, 30.0, 60.0, 90.0].map(|from| IntensityPoint {
        from: minute(from),
        value: grams(page, &format!("forecast.{from}")),
    });
    let usual = (-48_i32..0).map(|hour| IntensityPoint {
        from: minute(f64::from(hour) * 60.0),
        value: grams(page, if hour < -24 { "usual.first" } else { "usual.second" }),
    });
    CarbonReport {
        zone: zone_id(0),
        kind: KIND,
        source: Source::new("provider"),
        priority: 0,
        latest: Some(LatestIntensity {
            value: grams(page, "latest"),
            from: minute(0.0),
            until: minute(period),
            estimated: false,
        }),
        forecast: Some(Forecast {
            issued_at: minute(0.0),
            points: predicted.to_vec(),
            until: minute(90.0 + period),
        }),
        history: usual.collect(),
        fixed: Some(grams(page, "yearly")),
    }
}

fn builder(page: &Page) -> SnapshotBuilder {
    let world = World {
        zones: Vec::new(),
        nodes: Vec::new(),
        pending: Vec::new(),
    };
    let ladder = LadderBounds {
        live_grace: minutes(page, "grace"),
        last_known_for: minutes(page, "last.known.for"),
        forecast_for: minutes(page, "forecast.for") * 60,
    };
    assert_eq!(ladder, LadderBounds::default(), "the page tells the defaults");
    let mut builder = SnapshotBuilder::new(Surroundings {
        ladder,
        ..world.surroundings()
    });
    builder.apply_carbon(report(page), now()).unwrap();
    builder
}

/// What the zone says on a rung at a minute.
fn view(builder: &mut SnapshotBuilder, rung: Rung, at: f64) -> Option<CarbonView> {
    builder.build(minute(at)).zones()[0].view(rung).cloned()
}

/// The first minute at which a rung is not there any more.
fn until(builder: &mut SnapshotBuilder, rung: Rung) -> f64 {
    let gone = |minute: &i32| view(builder, rung, f64::from(*minute)).is_none();
    f64::from((0..2000).find(gone).unwrap())
}

#[test]
fn the_worked_example_of_carbon_is_what_the_code_computes() {
    let page = Page::read("carbon.md");
    let mut builder = builder(&page);
    page.says("live.until", until(&mut builder, Rung::Live));
    page.says("last.known.until", until(&mut builder, Rung::LastKnown));
    page.says("forecast.until", until(&mut builder, Rung::Forecast));
    for (at, rung) in [
        (20.0, Rung::Live),
        (50.0, Rung::LastKnown),
        (110.0, Rung::Forecast),
        (130.0, Rung::Climatology),
    ] {
        let snapshot = builder.build(minute(at));
        let (best, view) = snapshot.zones()[0].best().unwrap();
        assert_eq!(best, rung, "minute {at}");
        page.says(&format!("at.{at}"), view.now.get());
    }
    let mut mean = |rung, from: f64, span: f64| {
        let series = view(&mut builder, rung, from).unwrap().series;
        series
            .mean(minute(from), SignedDuration::try_from_secs_f64(span * 60.0).unwrap())
            .get()
    };
    page.says("mean.10.80", mean(Rung::Live, 10.0, 80.0));
    page.says("mean.35.85", mean(Rung::Live, 35.0, 85.0));
    page.says("mean.forecast.0.240", mean(Rung::Forecast, 0.0, 240.0));
    page.says("mean.live.0.240", mean(Rung::Live, 0.0, 240.0));
    page.says(
        "usual.now",
        view(&mut builder, Rung::Climatology, 0.0).unwrap().now.get(),
    );
    let pounds: GramsPerKwh = "1000 lb/MWh".parse().unwrap();
    page.says("lb", pounds.get());
    page.close();
}
