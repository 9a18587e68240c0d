use crate::world::{cost, near_amount};
use heliotrope_core::accounting::{Amount, Choice, Offered};
use heliotrope_core::placement::{NodeCost, Policy, score};
use heliotrope_core::quantity::{JOULES_PER_KWH, Ratio};
use proptest::prelude::*;

fn offered(costs: &[NodeCost]) -> impl Iterator<Item = Offered<'_>> {
    costs.iter().map(|cost| Offered {
        zone: Some("A"),
        model: None,
        cost: Some(cost),
    })
}

proptest! {
    #[test]
    fn the_cheapest_is_never_above_the_mean_nor_above_any(
        costs in prop::collection::vec((0.0..1e4_f64, 1.0..1e7_f64), 1..40),
    ) {
        let costs: Vec<NodeCost> = costs.into_iter().map(|(grams, joules)| cost(grams, joules)).collect();
        let choice = Choice::of(offered(&costs), 0.02);
        prop_assert!(costs.iter().all(|cost| choice.cheapest.grams <= cost.grams));
        prop_assert!(choice.cheapest.grams <= choice.mean.grams * (1.0 + 1e-12));
        prop_assert_eq!(choice.priced as usize, costs.len());
    }

    /// The share told as "spread above the band" is that of the decisions in which scores differ.
    #[test]
    fn a_spread_is_where_scores_differ(
        costs in prop_oneof![
            prop::collection::vec(prop_oneof![Just(0.0), 100.0..130.0_f64, 0.0..1e4_f64], 1..40),
            // All of them close together: what the band makes equal.
            prop::collection::vec(100.0..115.0_f64, 1..40),
        ],
        band in 0.0..0.2_f64,
    ) {
        let costs: Vec<NodeCost> = costs.into_iter().map(|grams| cost(grams, grams * 3.0 + 1.0)).collect();
        // One level is enough to tell: with a full spread of nearly nothing every difference uses all of them.
        let policy = Policy { band: Ratio::saturating(band), full_spread: 1e-9, ..Policy::default() };
        let known: Vec<Option<NodeCost>> = costs.iter().copied().map(Some).collect();
        let scores = score(&policy, &known);
        let differ = scores.iter().any(|score| *score != scores[0]);
        prop_assert_eq!(Choice::of(offered(&costs), band).spread, differ);
    }
}

#[test]
fn zones_and_models_are_counted_once_and_unknown_ones_not() {
    let (a, b) = (cost(1.0, 3.6e6), cost(3.0, 7.2e6));
    let row = |zone, model, cost| Offered { zone, model, cost };
    let rows = [
        row(Some("A"), Some("x"), Some(&a)),
        row(Some("A"), Some("x"), Some(&b)),
        row(Some("B"), None, None),
        row(None, None, None),
    ];
    let choice = Choice::of(rows.into_iter(), 0.02);
    assert_eq!(
        (choice.acceptable, choice.priced, choice.zones, choice.models),
        (4, 2, 2, 1)
    );
    let expected = (
        Amount { grams: 1.0, kwh: 1.0 },
        Amount {
            grams: 2.0,
            kwh: 5.4e6 / JOULES_PER_KWH,
        },
    );
    assert!(
        near_amount(choice.cheapest, expected.0) && near_amount(choice.mean, expected.1),
        "{choice:?}"
    );
}

#[test]
fn where_no_grid_has_carbon_the_cheapest_is_the_one_that_needs_least_energy() {
    let (a, b) = (cost(0.0, 7.2e6), cost(0.0, 3.6e6));
    let choice = Choice::of(offered(&[a, b]), 0.02);
    assert!(
        near_amount(choice.cheapest, Amount { grams: 0.0, kwh: 1.0 }),
        "{choice:?}"
    );
}

#[test]
fn nothing_to_choose_from_is_nothing() {
    let choice = Choice::of(std::iter::empty(), 0.02);
    assert_eq!(
        (choice.priced, choice.spread, choice.mean),
        (0, false, Amount::default())
    );
}

/// As placement ranks, and told without what only ranks: stranded GPUs are no grams of this pod.
#[test]
fn the_cheapest_is_ranked_with_what_strands_gpus_and_told_without() {
    let strands = NodeCost {
        stranded_grams: 5.0,
        ..cost(1.0, 3.6e6)
    };
    let fits = NodeCost {
        stranded_grams: 0.5,
        ..cost(2.0, 3.6e6)
    };
    let choice = Choice::of(offered(&[strands, fits]), 0.02);
    let told = |grams| Amount { grams, kwh: 1.0 };
    assert!(
        near_amount(choice.cheapest, told(2.0)) && near_amount(choice.mean, told(1.5)),
        "{choice:?}"
    );
}
