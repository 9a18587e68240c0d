//! The worked example of `docs/formulas/placement.md`.

use crate::page::Page;
use crate::world::{MODELS, NodeSpec, World, ZoneSpec, about, all, now, policy, workload};
use heliotrope_core::gpu::{GpuCatalogue, GpuProfile};
use heliotrope_core::placement::{Decision, Policy, Throughput, decide};
use heliotrope_core::quantity::{Ratio, Watts};
use heliotrope_core::snapshot::{HostModel, Snapshot, SnapshotBuilder, Surroundings};
use heliotrope_core::workload::{Mode, Workload};
use jiff::SignedDuration;
use std::sync::Arc;

/// The fixture's models that stand for H100 and A100.
const H100: usize = 2;
const A100: usize = 1;
/// Places of the candidates.
const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;

fn watts(page: &Page, key: &str) -> Watts {
    Watts::new(page.given(key)).unwrap()
}

fn profile(page: &Page, model: usize, key: &str) -> (GpuProfile, Vec<String>) {
    let profile = GpuProfile {
        model: MODELS[model].0.into(),
        bare: watts(page, &format!("{key}.bare")),
        context: watts(page, &format!("{key}.context")),
        max: watts(page, &format!("{key}.max")),
        rated_throughput: Some(page.given(&format!("{key}.throughput"))),
        measured_throughput: None,
    };
    (profile, Vec::new())
}

fn world(page: &Page) -> World {
    let zone = |live: &str, [first, second, third, fourth]: [f64; 4]| ZoneSpec {
        live: Some(page.given(live)),
        forecast: Some([first, second, third, fourth]),
        usual: None,
        yearly: None,
    };
    let [a0, a6] = ["zone.a.forecast.0", "zone.a.forecast.6"].map(|key| page.given(key));
    let [b0, b6, b12] = ["zone.b.forecast.0", "zone.b.forecast.6", "zone.b.forecast.12"].map(|key| page.given(key));
    let node = |zone, model, pue: &str| NodeSpec {
        boards: page.whole("node.boards"),
        pue: page.given(pue),
        wake: page.given("wake.weight"),
        ..NodeSpec::in_zone(zone).of_model(model)
    };
    let unknown = NodeSpec {
        model: None,
        ..node(0, H100, "pue.a")
    };
    World {
        // What comes after the last step of the page is beyond the run times.
        zones: vec![
            zone("zone.a.live", [a0, a6, 1e6, 1e6]),
            zone("zone.b.live", [b0, b6, b12, 1e6]),
        ],
        nodes: vec![
            node(0, H100, "pue.a").awake(),
            node(0, H100, "pue.a"),
            node(1, A100, "pue.c").awake(),
            unknown,
        ],
        pending: vec![
            page.whole("pod.gpus"),
            page.whole("waiting.gpus") - page.whole("pod.gpus"),
        ],
    }
}

fn snapshot(page: &Page) -> Snapshot {
    let world = world(page);
    let models = vec![profile(page, H100, "h100"), profile(page, A100, "a100")];
    let mut builder = SnapshotBuilder::new(Surroundings {
        catalogue: Arc::new(GpuCatalogue::new(models).unwrap()),
        host: HostModel {
            idle_per_vcpu: watts(page, "host.idle"),
            max_per_vcpu: watts(page, "host.max"),
            per_gib: watts(page, "host.memory"),
        },
        ..world.surroundings()
    });
    for report in world.reports() {
        builder.apply_carbon(report, now()).unwrap();
    }
    for event in world.events() {
        builder.apply_cluster(event, now());
    }
    builder.build(now())
}

fn ask(page: &Page, mode: Mode) -> Workload {
    let mut ask = workload(mode);
    ask.gpus.units = page.whole("pod.gpus");
    ask.cpu_milli = u64::from(page.whole("pod.cores")) * 1000;
    ask.memory_bytes = u64::from(page.whole("pod.memory")) << 30;
    ask.duration.span = SignedDuration::from_hours(i64::from(page.whole("pod.hours")));
    ask.utilisation = Ratio::new(page.given("pod.utilisation")).unwrap();
    ask
}

fn decision(page: &Page, mode: Mode, policy: &Policy) -> Decision {
    let snapshot = snapshot(page);
    decide(&about(&snapshot, &ask(page, mode), policy), &all(&snapshot))
}

/// The default policy, as the page says, under `rated`.
fn rated() -> Policy {
    Policy {
        throughput: Throughput::Rated,
        ..policy()
    }
}

fn kept(decision: &Decision) -> Vec<usize> {
    (0..4).filter(|at| decision.verdict.kept[*at]).collect()
}

#[test]
fn the_worked_example_of_placement_is_what_the_code_computes() {
    let page = Page::read("placement.md");
    let snapshot = snapshot(&page);
    assert!((f64::from(page.whole("node.cores")) * 0.74 - snapshot.nodes()[A].host_idle.get()).abs() < 1e-9);
    let decision = decision(&page, Mode::Prefer, &rated());
    let [a, b, c] = [A, B, C].map(|at| decision.costs[at].unwrap());
    assert_eq!(decision.costs[D], None);

    let of_pod = ask(&page, Mode::Prefer);
    let host = snapshot.surroundings.host;
    page.says("host", host.share(of_pod.cpu_milli, of_pod.memory_bytes).get());
    page.says("h100.active", a.watts.get());
    page.says("a100.active", c.watts.get());
    page.says("a100.slowness", c.seconds / a.seconds);
    page.says("a.seconds", a.seconds);
    page.says("c.seconds", c.seconds);
    page.says("b.wake.whole", snapshot.nodes()[B].wake().get());
    page.says("b.wake", b.wake.get());
    page.says("a.intensity", a.intensity.get());
    page.says("c.intensity", c.intensity.get());
    for (name, cost) in [("a", a), ("b", b), ("c", c)] {
        page.says(&format!("{name}.joules"), cost.joules);
        page.says(&format!("{name}.grams"), cost.grams);
    }
    let policy = rated();
    page.says("edge", c.grams * (1.0 + policy.band.get()));
    let spread = (b.grams - c.grams) / c.grams;
    page.says("spread", spread);
    page.says("levels", f64::from(*decision.scores.iter().max().unwrap()));
    for (name, at) in [("a", A), ("b", B), ("c", C), ("d", D)] {
        page.says(&format!("{name}.score"), f64::from(decision.scores[at]));
    }
    refusals(&page);
    neutral(&page);
    page.close();
}

fn refusals(page: &Page) {
    let strict = decision(page, Mode::Strict, &rated());
    assert_eq!(kept(&strict), [C, D]);
    page.says("strict.kept", 2.0);
    let narrow = Policy {
        keep: Some(2),
        ..rated()
    };
    let narrow = decision(page, Mode::Prefer, &narrow);
    assert_eq!(kept(&narrow), [A, C, D]);
    page.says("keep2.kept", 3.0);
}

fn neutral(page: &Page) {
    let decision = decision(page, Mode::Prefer, &policy());
    let [a, c] = [A, C].map(|at| decision.costs[at].unwrap());
    page.says("neutral.a.joules", a.joules);
    page.says("neutral.c.joules", c.joules);
    page.says("neutral.c.seconds", c.seconds);
}

/// The page names the shipped profiles as its source: they must say the same.
#[test]
fn the_profiles_of_the_example_are_the_shipped_ones() {
    let page = Page::read("placement.md");
    let path = format!("{}/../config/gpu-profiles.yaml", env!("CARGO_MANIFEST_DIR"));
    let profiles = std::fs::read_to_string(path).unwrap();
    for (key, model) in [("h100", "NVIDIA-H100-80GB-HBM3"), ("a100", "NVIDIA-A100-SXM4-40GB")] {
        let (_, profile) = profiles.split_once(&format!("- model: {model}\n")).unwrap();
        for (figure, field) in [
            ("bare", "bare"),
            ("context", "context"),
            ("max", "max"),
            ("throughput", "ratedThroughput"),
        ] {
            let (_, value) = profile.split_once(&format!("    {field}: {{ value: ")).unwrap();
            let shipped: f64 = value.split([' ', ',']).next().unwrap().parse().unwrap();
            let given = page.given(&format!("{key}.{figure}"));
            assert!(
                (shipped - given).abs() < 1e-9,
                "{model} {field}: {shipped} shipped, {given} on the page"
            );
        }
    }
}

/// The defaults that the page states in its text.
#[test]
fn the_defaults_of_the_page_are_those_of_the_code() {
    let policy = Policy::default();
    assert_eq!(
        (policy.band, policy.keep, policy.throughput),
        (Ratio::new(0.02).unwrap(), Some(50), Throughput::Neutral)
    );
    assert!((policy.full_spread - 0.30).abs() < 1e-12 && policy.ceiling.is_none() && policy.stranded.get() <= 0.0);
    let page = Page::read("placement.md");
    let host = HostModel::default();
    for (key, watts) in [
        ("host.idle", host.idle_per_vcpu),
        ("host.max", host.max_per_vcpu),
        ("host.memory", host.per_gib),
    ] {
        assert!((page.given(key) - watts.get()).abs() < 1e-12, "{key}");
    }
}
