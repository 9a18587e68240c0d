//! Schedules where clocks change. Each row of `schedule.json` is a level of 10 replicas over a base of 1, and what its floor
//! is at some moments.

use heliotrope_core::rightsizing::schedule::{Days, Effect, Event, Level, Schedule};
use jiff::civil::{Time, datetime};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Row {
    name: String,
    zone: String,
    #[serde(default = "every")]
    days: Days,
    from: Time,
    until: Time,
    #[serde(default)]
    ramp_minutes: i64,
    at: Vec<(Timestamp, Option<i32>)>,
}

fn every() -> Days {
    Days::ALL
}

fn level(row: &Row) -> Level {
    Level {
        days: row.days,
        from: row.from,
        until: row.until,
        zone: row.zone.parse().unwrap(),
        min: Some(10),
        max: None,
        ramp: SignedDuration::from_mins(row.ramp_minutes),
    }
}

#[test]
fn levels_hold_where_clocks_change() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("schedule.json")).unwrap();
    assert!(rows.len() >= 17, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let schedule = Schedule {
            levels: vec![level(&row)],
            events: Vec::new(),
        };
        for (at, floor) in &row.at {
            let found = schedule.at(*at, 1).floor.map(|(floor, _)| floor);
            if found != *floor {
                wrong.push(format!("{} at {at}: {found:?} instead of {floor:?}", row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever the zone and the day, a level of one piece: from its begin to its end it never comes and goes.
#[test]
fn a_level_is_in_one_piece_on_every_day_of_a_year() {
    for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"] {
        for (from, until) in [
            ("01:40:00", "02:20:00"),
            ("02:30:00", "01:15:00"),
            ("23:30:00", "02:10:00"),
        ] {
            let row = Row {
                name: String::new(),
                zone: zone.to_owned(),
                days: Days::of(&[jiff::civil::Weekday::Sunday]),
                from: from.parse().unwrap(),
                until: until.parse().unwrap(),
                ramp_minutes: 0,
                at: Vec::new(),
            };
            let schedule = Schedule {
                levels: vec![level(&row)],
                events: Vec::new(),
            };
            let mut begun = 0;
            let mut held = false;
            let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            for minutes in (0..365 * 24 * 60).step_by(15) {
                let holds = schedule
                    .at(start + SignedDuration::from_mins(minutes), 1)
                    .floor
                    .is_some();
                begun += i32::from(holds && !held);
                held = holds;
            }
            // 52 Sundays; one that lies whole in a missing hour may be left out.
            assert!((51..=52).contains(&begun), "{zone} {from}–{until}: begun {begun} times");
        }
    }
}

#[test]
fn events_come_once_with_factor_or_replicas_and_ramps() {
    let event = |effect| Event {
        from: datetime(2026, 12, 1, 9, 0, 0, 0),
        until: datetime(2026, 12, 1, 12, 0, 0, 0),
        zone: "Europe/Berlin".parse().unwrap(),
        effect,
        ramp: SignedDuration::from_mins(60),
    };
    let schedule = Schedule {
        levels: Vec::new(),
        events: vec![event(Effect::Factor(3.0)), event(Effect::Replicas(20))],
    };
    for (at, factor, floor) in [
        ("2026-12-01T06:59:00Z", None, None),
        ("2026-12-01T07:30:00Z", Some(2.0), Some(11)),
        ("2026-12-01T08:00:00Z", Some(3.0), Some(20)),
        ("2026-12-01T10:59:59Z", Some(3.0), Some(20)),
        ("2026-12-01T11:45:00Z", Some(1.5), Some(7)),
        ("2026-12-01T12:00:00Z", None, None),
        ("2027-12-01T08:00:00Z", None, None),
    ] {
        let found = schedule.at(at.parse().unwrap(), 2);
        assert_eq!(found.floor.map(|(floor, _)| floor), floor, "{at}");
        assert_eq!(found.factor.map(|(factor, _)| factor), factor, "{at}");
    }
}
