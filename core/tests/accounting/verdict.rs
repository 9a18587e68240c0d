use crate::world::{book, report, start};
use heliotrope_core::accounting::{
    Amount, Book, BoundNode, Choice, Place, Placed, Standing, Unpriced, Verdict, VerdictKind,
};
use heliotrope_core::quantity::{Ratio, Rung};
use heliotrope_core::snapshot::{CoefficientSource, PowerRung};

fn placed(mode: &'static str, zones: u32, bound: f64, cheapest: f64) -> Placed<'static> {
    let amount = |grams| Amount {
        grams,
        kwh: grams / 100.0,
    };
    Placed {
        mode,
        outcome: "outvoted",
        choice: Some(Choice {
            acceptable: 6,
            priced: 6,
            zones,
            models: 1,
            spread: bound > 1.02 * cheapest,
            cheapest: amount(cheapest),
            mean: amount(f64::midpoint(bound, cheapest)),
        }),
        bound: Ok(BoundNode {
            amount: amount(bound),
            standing: Standing {
                rung: Rung::Live,
                estimated: false,
                coefficient: CoefficientSource::Profile,
                power: PowerRung::Model,
            },
        }),
    }
}

fn verdict(placements: &[Placed<'static>]) -> Verdict {
    let mut book = Book::new(start());
    for placed in placements {
        let place = Place {
            namespace: "ml",
            zone: None,
            model: None,
        };
        book.weighed(start(), Ratio::saturating(0.02));
        book.add(start(), place, placed);
    }
    report(&book).verdict
}

#[test]
fn every_case_has_its_words() {
    assert_eq!(report(&book([])).verdict.kind, VerdictKind::NoPlacements);
    let bypassed = Placed {
        choice: None,
        bound: Err(Unpriced::Bypassed),
        ..placed("none", 0, 0.0, 0.0)
    };
    let told = verdict(&[bypassed]);
    assert_eq!(told.kind, VerdictKind::NotAsked);
    assert!(told.text.contains("did not ask about 1"), "{}", told.text);
    let blind = Placed {
        bound: Err(Unpriced::NoCarbon),
        ..placed("shadow", 3, 0.0, 0.0)
    };
    let told = verdict(&[blind]);
    assert_eq!(told.kind, VerdictKind::NotPriced);
    assert!(told.text.contains("1 no-carbon"), "{}", told.text);
    let told = verdict(&[placed("shadow", 1, 110.0, 100.0); 40]);
    assert_eq!(told.kind, VerdictKind::OneZone);
    assert!(
        told.text.contains("Nothing is at stake between grids: each of the 40"),
        "{}",
        told.text
    );
    assert_eq!(
        verdict(&[placed("shadow", 3, 101.0, 100.0); 40]).kind,
        VerdictKind::Little
    );
    let told = verdict(&[placed("shadow", 3, 400.0, 100.0); 40]);
    assert_eq!(told.kind, VerdictKind::AtStake);
    let expected = "12.00 kg CO2e of 16.00 kg CO2e are at stake (75.0 %), and 120.000 of 160.000 kWh";
    assert!(told.text.starts_with(expected), "{}", told.text);
    assert!(
        told.text
            .contains("the scheduler's own choices cost 16.00 kg CO2e, a node drawn by lot 10.00 kg CO2e"),
        "{}",
        told.text
    );
}

#[test]
fn a_modelled_difference_is_never_called_saved() {
    let shadow = placed("shadow", 3, 400.0, 100.0);
    let steered = placed("prefer", 3, 100.0, 100.0);
    for placements in [vec![shadow; 3], vec![steered; 40], vec![shadow, steered]] {
        let told = verdict(&placements).text;
        assert!(!told.contains("saved") && !told.contains("saving"), "{told}");
        assert_eq!(told.contains("too few to go by"), placements.len() < 30, "{told}");
        assert_eq!(
            told.contains("counterfactual"),
            placements.iter().any(|p| p.mode == "prefer"),
            "{told}"
        );
    }
}

/// Both thresholds from both sides: the band is of what the bound nodes cost, and thirty placements are enough.
#[test]
fn little_ends_at_the_band_and_few_at_thirty() {
    let kind = |bound| verdict(&[placed("shadow", 3, bound, 98.0); 30]).kind;
    assert_eq!(
        (kind(99.9), kind(100.1)),
        (VerdictKind::Little, VerdictKind::AtStake),
        "2 % of 100 g"
    );
    let few = |count| {
        verdict(&vec![placed("shadow", 3, 400.0, 100.0); count])
            .text
            .contains("too few")
    };
    assert_eq!((few(29), few(30)), (true, false));
}
