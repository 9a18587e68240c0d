//! What a workload costs on a node: energy to solution, wake share, PUE, fragments.

use crate::world::{MODELS, NodeSpec, World, ZoneSpec, decided, policy, workload};
use heliotrope_core::placement::{NodeCost, Policy, Throughput};
use heliotrope_core::quantity::{Grams, Ratio};
use heliotrope_core::snapshot::CoefficientSource;
use heliotrope_core::workload::{Horizon, Mode, Workload};
use jiff::SignedDuration;

fn costs(world: &World, ask: &Workload, policy: &Policy) -> Vec<NodeCost> {
    decided(world, ask, policy)
        .costs
        .into_iter()
        .map(Option::unwrap)
        .collect()
}

/// One zone of 100 g/kWh.
fn flat(nodes: Vec<NodeSpec>) -> World {
    World {
        zones: vec![ZoneSpec::flat(100.0)],
        nodes,
        pending: Vec::new(),
    }
}

fn rated() -> Policy {
    Policy {
        throughput: Throughput::Rated,
        ..policy()
    }
}

fn near(value: f64, expected: f64) {
    assert!(
        (value - expected).abs() <= expected.abs() * 1e-9,
        "{value} is not {expected}"
    );
}

/// What the two GPUs and the host share of the ask add, by the formula of the profile.
fn active(model: usize, utilisation: f64) -> f64 {
    let (_, bare, context, max, _) = MODELS[model];
    let host = 8.0 * (3.5 - 0.74) + 32.0 * 0.392;
    2.0 * (context + (max - bare - context) * utilisation) + host
}

#[test]
fn a_run_time_twice_as_long_doubles_the_grams_no_more() {
    let [once, twice] = [1, 2].map(|factor| {
        let mut ask = workload(Mode::Prefer);
        ask.duration.span = SignedDuration::from_hours(4 * factor);
        costs(&flat(vec![NodeSpec::in_zone(0)]), &ask, &policy())[0]
    });
    near(twice.grams, 2.0 * once.grams);
    near(twice.watts.get(), once.watts.get());
}

#[test]
fn a_model_of_a_third_of_the_throughput_runs_three_times_as_long() {
    let world = flat(vec![
        NodeSpec::in_zone(0).awake(),
        NodeSpec::in_zone(0).of_model(1).awake(),
    ]);
    let costs = costs(&world, &workload(Mode::Prefer), &rated());
    near(costs[0].seconds, 4.0 * 3600.0);
    near(costs[1].seconds, 3.0 * 4.0 * 3600.0);
    near(costs[0].watts.get(), active(2, 0.7));
    near(costs[1].watts.get(), active(1, 0.7));
    near(costs[1].joules, active(1, 0.7) * 12.0 * 3600.0);
    near(costs[1].grams, costs[1].joules / 3.6e6 * 100.0);
}

#[test]
fn a_model_without_a_throughput_has_no_cost_unless_neutral() {
    let world = flat(vec![NodeSpec::in_zone(0), NodeSpec::in_zone(0).of_model(3)]);
    let known = |throughput| {
        let decision = decided(&world, &workload(Mode::Prefer), &Policy { throughput, ..policy() });
        decision.costs.iter().map(Option::is_some).collect::<Vec<_>>()
    };
    assert_eq!(known(Throughput::Rated), [true, false]);
    assert_eq!(known(Throughput::Measured), [true, false]);
    assert_eq!(known(Throughput::Neutral), [true, true]);
}

#[test]
fn the_facility_pays_in_proportion() {
    let world = flat(vec![
        NodeSpec::in_zone(0),
        NodeSpec {
            pue: 1.5,
            ..NodeSpec::in_zone(0)
        },
    ]);
    let costs = costs(&world, &workload(Mode::Prefer), &policy());
    near(costs[1].grams, 1.5 * costs[0].grams);
    near(costs[1].joules, 1.5 * costs[0].joules);
    near(costs[1].watts.get(), costs[0].watts.get());
}

#[test]
fn waking_is_paid_by_those_who_share_it() {
    // 96 cores idle and eight boards of 70 W bare.
    let whole = 96.0 * 0.74 + 8.0 * 70.0;
    let wake = |pending: Vec<u32>, weight: f64, busy: Vec<u32>| {
        let node = NodeSpec {
            wake: weight,
            busy,
            ..NodeSpec::in_zone(0)
        };
        let world = World {
            pending,
            ..flat(vec![node])
        };
        costs(&world, &workload(Mode::Prefer), &policy())[0].wake.get()
    };
    near(wake(vec![], 1.0, vec![]), whole);
    near(wake(vec![2], 1.0, vec![]), whole);
    near(wake(vec![2, 2], 1.0, vec![]), whole / 2.0);
    near(wake(vec![2, 1, 1], 1.0, vec![]), whole / 2.0);
    near(wake(vec![2, 60], 1.0, vec![]), whole / 4.0);
    near(wake(vec![], 0.25, vec![]), whole * 0.25);
    near(wake(vec![2, 60], 1.0, vec![1]), 0.0);
}

#[test]
fn a_pod_larger_than_the_node_pays_for_the_node_and_no_more() {
    let mut ask = workload(Mode::Prefer);
    ask.gpus.units = 64;
    let cost = costs(&flat(vec![NodeSpec::in_zone(0)]), &ask, &policy())[0];
    near(cost.wake.get(), 96.0 * 0.74 + 8.0 * 70.0);
}

#[test]
fn utilisation_moves_the_slope_and_not_the_context() {
    for utilisation in [0.0, 0.5, 1.0] {
        let mut ask = workload(Mode::Prefer);
        ask.utilisation = Ratio::new(utilisation).unwrap();
        let cost = costs(&flat(vec![NodeSpec::in_zone(0).awake()]), &ask, &policy())[0];
        near(cost.watts.get(), active(2, utilisation));
        assert_eq!(cost.coefficient, CoefficientSource::Profile);
    }
}

#[test]
fn the_grams_follow_the_forecast_over_the_run_time() {
    let zone = ZoneSpec {
        live: Some(100.0),
        forecast: Some([100.0, 400.0, 100.0, 100.0]),
        usual: Some([700.0; 2]),
        yearly: None,
    };
    let world = World {
        zones: vec![zone],
        nodes: vec![NodeSpec::in_zone(0)],
        pending: Vec::new(),
    };
    let mean = |hours, horizon| {
        let mut ask = workload(Mode::Prefer);
        (ask.duration.span, ask.duration.horizon) = (SignedDuration::from_hours(hours), horizon);
        costs(&world, &ask, &policy())[0].intensity.get()
    };
    near(mean(4, Horizon::Job), 100.0);
    near(mean(12, Horizon::Job), 250.0);
    // A service is judged by the usual day. This hour counts in it as one of three days.
    near(
        mean(12, Horizon::Service),
        (11.0 * 700.0 + (700.0 + 700.0 + 100.0) / 3.0) / 12.0,
    );
}

#[test]
fn stranding_a_board_costs_what_the_policy_says() {
    // Every pod of this cluster wants four boards: one more pod of two leaves two boards to nobody.
    let world = World {
        pending: vec![4, 4],
        ..flat(vec![NodeSpec {
            boards: 4,
            ..NodeSpec::in_zone(0)
        }])
    };
    let policy = Policy {
        stranded: Grams::new(50.0).unwrap(),
        ..policy()
    };
    let mut ask = workload(Mode::Prefer);
    ask.gpus.units = 2;
    near(costs(&world, &ask, &policy)[0].stranded_grams, 2.0 * 50.0);
    ask.gpus.units = 4;
    near(costs(&world, &ask, &policy)[0].stranded_grams, 0.0);
    // Two boards that only this pod can use were stranded before, and are not any more.
    let half = World {
        nodes: vec![NodeSpec {
            boards: 4,
            busy: vec![2],
            ..NodeSpec::in_zone(0)
        }],
        pending: vec![4; 3],
        ..world
    };
    ask.gpus.units = 2;
    near(costs(&half, &ask, &policy)[0].stranded_grams, -2.0 * 50.0 * 0.75);
}
