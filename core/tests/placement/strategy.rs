//! Worlds, asks and policies at random.

use crate::world::{MODELS, NodeSpec, World, ZoneSpec, denying, policy, workload};
use heliotrope_core::gpu::GpuResource;
use heliotrope_core::placement::{Policy, Throughput};
use heliotrope_core::quantity::{Grams, GramsPerKwh, Ratio};
use heliotrope_core::workload::{GpuAsk, Horizon, Mode, Workload};
use jiff::SignedDuration;
use proptest::option;
use proptest::prelude::*;

const ZONES: usize = 4;

fn intensity() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 5.0f64..900.0, 1 => Just(0.0)]
}

/// A zone that has something to say on every rung.
pub(crate) fn known_zone() -> impl Strategy<Value = ZoneSpec> {
    let values = (5.0f64..900.0, [5.0f64..900.0, 5.0..900.0, 5.0..900.0, 5.0..900.0]);
    (values, [5.0f64..900.0, 5.0..900.0], 5.0f64..900.0).prop_map(|((live, forecast), usual, yearly)| ZoneSpec {
        live: Some(live),
        forecast: Some(forecast),
        usual: Some(usual),
        yearly: Some(yearly),
    })
}

/// A zone that may lack any rung, or all of them.
fn any_zone() -> impl Strategy<Value = ZoneSpec> {
    let forecast = [intensity(), intensity(), intensity(), intensity()];
    (
        option::of(intensity()),
        option::of(forecast),
        option::of([intensity(), intensity()]),
        option::of(intensity()),
    )
        .prop_map(|(live, forecast, usual, yearly)| ZoneSpec {
            live,
            forecast,
            usual,
            yearly,
        })
}

fn node(
    zone: impl Strategy<Value = Option<usize>>,
    model: impl Strategy<Value = Option<usize>>,
) -> impl Strategy<Value = NodeSpec> {
    let busy = prop::collection::vec(1u32..4, 0..3);
    (zone, model, 1u32..9, busy, 1.0f64..2.0, 0.0f64..=1.0).prop_map(|(zone, model, boards, busy, pue, wake)| {
        NodeSpec {
            zone,
            model,
            boards,
            busy,
            pue,
            wake,
        }
    })
}

/// A world in which every cost can be known.
pub(crate) fn known_world() -> impl Strategy<Value = World> {
    let zones = prop::collection::vec(known_zone(), ZONES);
    let nodes = prop::collection::vec(node((0..ZONES).prop_map(Some), (0..3usize).prop_map(Some)), 1..16);
    (zones, nodes, prop::collection::vec(1u32..9, 0..4)).prop_map(world)
}

/// A world with gaps: zones without data, nodes without a zone or a known model.
pub(crate) fn any_world() -> impl Strategy<Value = World> {
    let zones = prop::collection::vec(any_zone(), ZONES);
    let nodes = prop::collection::vec(
        node(option::weighted(0.9, 0..ZONES), option::weighted(0.9, 0..MODELS.len())),
        0..16,
    );
    (zones, nodes, prop::collection::vec(1u32..9, 0..4)).prop_map(world)
}

fn world((zones, nodes, pending): (Vec<ZoneSpec>, Vec<NodeSpec>, Vec<u32>)) -> World {
    World { zones, nodes, pending }
}

pub(crate) fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Shadow), Just(Mode::Prefer), Just(Mode::Strict)]
}

/// An ask that may run anywhere.
pub(crate) fn any_ask() -> impl Strategy<Value = Workload> {
    let gpus = (1u32..9, prop_oneof![4 => Just(1000u32), 1 => Just(428)]);
    let host = (0u64..64_000, 0u64..(1 << 38));
    let horizon = prop_oneof![Just(Horizon::Job), Just(Horizon::Service)];
    (
        gpus,
        host,
        60i64..200_000,
        0.0f64..=1.0,
        horizon,
        (mode(), prop::bool::weighted(0.2)),
    )
        .prop_map(
            |((units, milli_per_unit), (cpu_milli, memory_bytes), seconds, utilisation, horizon, (mode, prefers))| {
                let mut ask = workload(mode);
                let resource = GpuResource {
                    milli_per_unit,
                    ..GpuResource::NVIDIA
                };
                ask.gpus = GpuAsk { resource, units };
                (ask.cpu_milli, ask.memory_bytes, ask.prefers) = (cpu_milli, memory_bytes, prefers);
                (ask.duration.span, ask.duration.horizon) = (SignedDuration::from_secs(seconds), horizon);
                ask.utilisation = Ratio::new(utilisation).unwrap();
                ask
            },
        )
}

/// An ask that may be denied some zones.
pub(crate) fn choosy_ask() -> impl Strategy<Value = Workload> {
    let denied = prop::collection::vec(0..ZONES, 0..3);
    (any_ask(), denied).prop_map(|(mut ask, denied)| {
        ask.zones = denying(denied);
        ask
    })
}

/// A policy without ceiling and without a price on fragments.
pub(crate) fn plain_policy() -> impl Strategy<Value = Policy> {
    let throughput = prop_oneof![
        Just(Throughput::Neutral),
        Just(Throughput::Rated),
        Just(Throughput::Measured)
    ];
    (0.0f64..0.1, 0.11f64..1.0, option::of(1usize..6), throughput).prop_map(
        |(band, full_spread, keep, throughput)| Policy {
            band: Ratio::new(band).unwrap(),
            full_spread,
            keep,
            throughput,
            ..policy()
        },
    )
}

/// Any policy.
pub(crate) fn any_policy() -> impl Strategy<Value = Policy> {
    let ceiling = option::weighted(0.3, 0.0f64..900.0);
    let stranded = prop_oneof![Just(0.0), 0.0f64..500.0];
    (plain_policy(), ceiling, stranded).prop_map(|(policy, ceiling, stranded)| Policy {
        ceiling: ceiling.map(|value| GramsPerKwh::new(value).unwrap()),
        stranded: Grams::new(stranded).unwrap(),
        ..policy
    })
}
