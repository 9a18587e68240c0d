use heliotrope_core::accounting::{
    Amount, Book, BoundNode, Choice, Part, Period, Place, Placed, Report, Standing, Sums, Unpriced,
};
use heliotrope_core::grid::{Basis, IntensityKind, Signal};
use heliotrope_core::placement::NodeCost;
use heliotrope_core::quantity::{GramsPerKwh, Ratio, Rung, Watts};
use heliotrope_core::snapshot::{CoefficientSource, PowerRung};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const NAMES: [&str; 3] = ["a", "b", "c"];

pub(crate) const KIND: IntensityKind = IntensityKind {
    signal: Signal::Average,
    basis: Basis::Direct,
};

/// A placement with when and where.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) hours: i64,
    pub(crate) namespace: String,
    zone: Option<&'static str>,
    model: Option<&'static str>,
    pub(crate) placed: Placed<'static>,
}

pub(crate) fn start() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// Puts events into a book.
pub(crate) fn book<'e>(events: impl IntoIterator<Item = &'e Event>) -> Book {
    let mut book = Book::new(start());
    for event in events {
        let at = start() + SignedDuration::from_hours(event.hours);
        let place = Place {
            namespace: &event.namespace,
            zone: event.zone,
            model: event.model,
        };
        book.weighed(at, Ratio::saturating(0.02));
        book.add(at, place, &event.placed);
    }
    book
}

/// The report of all days of a book.
pub(crate) fn report(book: &Book) -> Report {
    let period = Period {
        from: "2026-06-01".parse().unwrap(),
        until: "2026-12-31".parse().unwrap(),
    };
    Report::of(book, period, KIND, start())
}

pub(crate) fn cost(grams: f64, joules: f64) -> NodeCost {
    NodeCost {
        grams,
        stranded_grams: 0.0,
        joules,
        watts: Watts::saturating(joules / 3600.0),
        wake: Watts::ZERO,
        promised: 0.0,
        seconds: 3600.0,
        intensity: GramsPerKwh::ZERO,
        coefficient: CoefficientSource::Profile,
    }
}

fn amount() -> impl Strategy<Value = Amount> {
    (0.0..1e5_f64, 0.0..1e3_f64).prop_map(|(grams, kwh)| Amount { grams, kwh })
}

fn choice() -> impl Strategy<Value = Choice> {
    let counts = (1..50_u32, 0..4_u32, 0..4_u32, any::<bool>());
    (counts, amount(), amount()).prop_map(|((priced, zones, models, spread), cheapest, mean)| Choice {
        acceptable: priced,
        priced,
        zones,
        models,
        spread,
        cheapest,
        mean,
    })
}

fn bound() -> impl Strategy<Value = Result<BoundNode, Unpriced>> {
    use CoefficientSource::{Observed, Profile};
    use PowerRung::{Fresh, Model, Stale};
    let standing = (
        prop::sample::select(Rung::ALL.to_vec()),
        any::<bool>(),
        prop::sample::select(vec![Observed, Profile]),
        prop::sample::select(vec![Fresh, Stale, Model]),
    )
        .prop_map(|(rung, estimated, coefficient, power)| Standing {
            rung,
            estimated,
            coefficient,
            power,
        });
    let why = prop::sample::select(vec![
        Unpriced::Exempt,
        Unpriced::NoCarbon,
        Unpriced::UnknownNode,
        Unpriced::NotACandidate,
        Unpriced::Forgotten,
    ]);
    prop_oneof![
        4 => (amount(), standing).prop_map(|(amount, standing)| Ok(BoundNode { amount, standing })),
        1 => why.prop_map(Err),
    ]
}

/// A placement within ten days.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let name = || prop::option::of(prop::sample::select(NAMES.to_vec()));
    let weighed = (choice(), bound()).prop_map(|(choice, bound)| (Some(choice), bound));
    let judged = prop_oneof![6 => weighed, 1 => Just((None, Err(Unpriced::Bypassed)))];
    let mode = prop::sample::select(vec!["shadow", "prefer", "strict"]);
    let outcome = prop::sample::select(vec!["top", "in-band", "outvoted", "not-offered"]);
    let namespace = prop::sample::select(NAMES.to_vec());
    ((0..240_i64, namespace, name(), name()), mode, outcome, judged).prop_map(
        |((hours, namespace, zone, model), mode, outcome, (choice, bound))| Event {
            hours,
            namespace: namespace.to_owned(),
            zone,
            model,
            placed: Placed {
                mode,
                outcome,
                choice,
                bound,
            },
        },
    )
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * (1.0 + a.abs().max(b.abs()))
}

pub(crate) fn near_amount(a: Amount, b: Amount) -> bool {
    near(a.grams, b.grams) && near(a.kwh, b.kwh)
}

pub(crate) fn near_part(a: Part, b: Part) -> bool {
    a.placements == b.placements && near(a.bound_grams, b.bound_grams) && near(a.at_stake_grams, b.at_stake_grams)
}

/// Equal but for the last bits of sums in another order.
pub(crate) fn same(a: &Sums, b: &Sums) -> bool {
    fn maps<K: Ord>(a: &std::collections::BTreeMap<K, Part>, b: &std::collections::BTreeMap<K, Part>) -> bool {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|((k, part), (l, other))| k == l && near_part(*part, *other))
    }
    let counts = |s: &Sums| {
        let numbers = [
            s.placements,
            s.weighed,
            s.with_zones,
            s.with_models,
            s.with_spread,
            s.priced,
        ];
        (numbers, s.outcomes.clone(), s.unpriced.clone())
    };
    counts(a) == counts(b)
        && near_amount(a.bound, b.bound)
        && near_amount(a.cheapest, b.cheapest)
        && near_amount(a.mean, b.mean)
        && near_part(a.estimated, b.estimated)
        && maps(&a.rungs, &b.rungs)
        && maps(&a.coefficients, &b.coefficients)
        && maps(&a.power, &b.power)
}
