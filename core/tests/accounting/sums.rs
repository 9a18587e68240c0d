use crate::world::{Event, book, event, near_amount, near_part, report, same, start};
use heliotrope_core::accounting::{Amount, Day, OTHERS, Part, Row, Sums};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use proptest::prelude::*;

fn merged(rows: &[Row]) -> Sums {
    let mut all = Sums::default();
    for row in rows {
        all.merge(&row.all);
    }
    all
}

fn whole<'p>(parts: impl Iterator<Item = &'p Part>) -> Part {
    parts.fold(Part::default(), |sum, part| Part {
        placements: sum.placements + part.placements,
        bound_grams: sum.bound_grams + part.bound_grams,
        at_stake_grams: sum.at_stake_grams + part.at_stake_grams,
    })
}

proptest! {
    #[test]
    fn the_parts_are_the_whole(events in prop::collection::vec(event(), 0..60)) {
        let report = report(&book(&events));
        for rows in [&report.namespaces, &report.zones, &report.models, &report.days] {
            prop_assert!(same(&merged(rows), &report.total.all));
        }
        let all = &report.total.all;
        prop_assert_eq!(all.placements, events.len() as u64);
        prop_assert_eq!(report.attempts, events.len() as u64);
        prop_assert_eq!(all.outcomes.values().sum::<u64>(), all.placements);
        prop_assert_eq!(all.priced + all.unpriced.values().sum::<u64>(), all.placements);
        let priced = Part {
            placements: all.priced,
            bound_grams: all.bound.grams,
            at_stake_grams: all.at_stake().grams,
        };
        prop_assert!(near_part(whole(all.rungs.values()), priced));
        prop_assert!(near_part(whole(all.coefficients.values()), priced));
        prop_assert!(near_part(whole(all.power.values()), priced));
        let modes = &report.total.modes.0;
        let steered = ["prefer", "strict"].iter().filter_map(|mode| modes.get(*mode));
        let avoided = steered.fold(Amount::default(), |sum, sums| sum + sums.under_mean());
        prop_assert!(near_amount(report.total.avoided, avoided), "shadow avoids nothing");
    }

    #[test]
    fn the_order_does_not_matter(
        (events, shuffled) in prop::collection::vec(event(), 0..60)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        let (one, other) = (report(&book(&events)), report(&book(&shuffled)));
        prop_assert!(same(&one.total.all, &other.total.all));
        prop_assert_eq!(one.days.len(), other.days.len());
        for (a, b) in one.days.iter().zip(&other.days) {
            prop_assert!(a.name == b.name && same(&a.all, &b.all));
        }
    }

    #[test]
    fn two_periods_are_one(events in prop::collection::vec(event(), 0..60), cut in 0..240_i64) {
        let (first, second): (Vec<Event>, Vec<Event>) = events.iter().cloned().partition(|event| event.hours < cut);
        let sum = |events: &[Event]| {
            let mut sum = Day::default();
            let book = book(events);
            let all = ["2026-01-01".parse().unwrap(), "2027-01-01".parse().unwrap()];
            for (_, day) in book.days(all[0], all[1]) {
                sum.merge(day);
            }
            sum
        };
        let mut both = sum(&first);
        both.merge(&sum(&second));
        let once = sum(&events);
        prop_assert_eq!(both.attempts, once.attempts);
        prop_assert!(same(&both.total.all(), &once.total.all()));
        for (a, b) in [(&both.namespaces, &once.namespaces), (&both.zones, &once.zones), (&both.models, &once.models)] {
            prop_assert!(a.keys().eq(b.keys()));
            for (a, b) in a.values().zip(b.values()) {
                prop_assert!(same(&a.all(), &b.all()));
            }
        }
    }

    /// Held to placements taken in one by one, which no merging has touched: reports are merged from their parts throughout.
    #[test]
    fn merging_loses_nothing(events in prop::collection::vec(event(), 0..60), cut in 0..60_usize) {
        let sums = |events: &[Event]| {
            let mut sums = Sums::default();
            for event in events {
                sums.add(&event.placed);
            }
            sums
        };
        let (first, second) = events.split_at(cut.min(events.len()));
        let mut both = sums(first);
        both.merge(&sums(second));
        prop_assert!(same(&both, &sums(&events)));
        prop_assert!(same(&report(&book(&events)).total.all, &sums(&events)));
    }

    #[test]
    fn what_has_no_price_adds_no_grams(events in prop::collection::vec(event(), 0..60)) {
        let priced: Vec<Event> = events.iter().filter(|event| event.placed.bound.is_ok()).cloned().collect();
        let (all, some) = (report(&book(&events)).total.all, report(&book(&priced)).total.all);
        prop_assert!(near_amount(all.bound, some.bound) && near_amount(all.mean, some.mean));
        prop_assert_eq!(all.priced, some.placements);
    }

    #[test]
    fn g9_a_book_is_bounded_in_names_and_days(template in event(), names in 80..120_usize) {
        let mut events = Vec::new();
        for place in 0..names {
            let mut event = template.clone();
            event.namespace = format!("namespace-{place}");
            event.hours = 24 * i64::try_from(place).unwrap();
            events.push(event.clone());
            event.hours = 24 * 250;
            events.push(event);
        }
        let book = book(&events);
        let day = |hours| (start() + SignedDuration::from_hours(hours)).to_zoned(TimeZone::UTC).date();
        let (first, last) = (day(0), day(24 * 250));
        prop_assert_eq!(book.days(first, last).count(), 70);
        let (_, full) = book.days(last, last).next().unwrap();
        prop_assert_eq!(full.namespaces.len(), 65);
        prop_assert_eq!(full.total.all().placements, names as u64, "the others are counted together");
        prop_assert_eq!(full.namespaces[OTHERS].all().placements, names as u64 - 64);
    }

    #[test]
    fn a_report_survives_the_wire(events in prop::collection::vec(event(), 0..20)) {
        let report = report(&book(&events));
        let read: heliotrope_core::accounting::Report =
            serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        prop_assert!(same(&read.total.all, &report.total.all));
        prop_assert_eq!(read.verdict, report.verdict);
    }
}
