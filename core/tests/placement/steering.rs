//! Which pods are judged at all, and what the modes change.

use crate::strategy::{any_policy, any_world, choosy_ask};
use crate::world::{World, decided, pod, policy, workload};
use heliotrope_core::workload::{
    Annotations, Exemption, Mode, Namespaces, Owner, OwnerKind, PodFacts, Workload, WorkloadRules,
};
use proptest::prelude::*;
use std::sync::Arc;

fn namespaces(mode: Mode) -> Namespaces {
    Namespaces {
        default: WorkloadRules {
            mode,
            ..WorkloadRules::default()
        },
        exempt: ["kube-system".to_owned()].into(),
        ..Namespaces::default()
    }
}

fn annotated(pairs: &[(&str, &str)]) -> PodFacts {
    PodFacts {
        annotations: Annotations::keep(pairs.iter().copied()),
        ..pod("a", 1, None)
    }
}

proptest! {
    /// Shadow records what `prefer` would have said. That it answers neutrally is the extender's part.
    #[test]
    fn g6_shadow_decides_as_prefer_does(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let of = |mode| decided(&world, &Workload { mode, ..ask.clone() }, &policy);
        prop_assert_eq!(of(Mode::Shadow), of(Mode::Prefer));
    }

    #[test]
    fn a_pod_without_gpus_is_none_of_ours_whatever_it_says(
        key in "(heliotrope.dev/)?(mode|zones|duration|x)", value in "strict|off|A|1h|.{0,8}", cpu in any::<u64>(),
    ) {
        let pod = PodFacts { gpus: None, cpu_milli: cpu, ..annotated(&[(&key, &value)]) };
        prop_assert_eq!(Workload::parse(&pod, &namespaces(Mode::Strict)), Err(Exemption::NoGpu));
    }

    /// Whatever a tenant writes: the mode is the administrator's or one that he lets pods choose, no zone opens that
    /// he closed, and the duration stays within his bound.
    #[test]
    fn a_tenant_bends_nothing_beyond_what_the_administrator_allows(
        values in prop::collection::vec(
            (prop_oneof![Just("mode"), Just("zones"), Just("deny-zones"), Just("duration"), Just("utilisation"), Just("odd")],
             "off|shadow|prefer|strict|A|B|A,C|C, D|[0-9]{1,9}(s|m|h|d)|-1h|0\\.[0-9]|NaN|.{0,300}"),
            0..8,
        ),
    ) {
        let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let mut namespaces = namespaces(Mode::Prefer);
        namespaces.default.selectable_modes = [Mode::Shadow].into();
        namespaces.default.allow_zones = Some(names(&["A", "B", "C"]));
        namespaces.default.deny_zones = names(&["C"]);
        let keys: Vec<String> = values.iter().map(|(key, _)| format!("heliotrope.dev/{key}")).collect();
        let pairs: Vec<(&str, &str)> = keys.iter().map(String::as_str).zip(values.iter().map(|(_, v)| v.as_str())).collect();
        let ask = Workload::parse(&annotated(&pairs), &namespaces).unwrap();
        prop_assert!(matches!(ask.mode, Mode::Prefer | Mode::Shadow));
        for zone in ["C", "D", "E"] {
            prop_assert!(!ask.zones.allows(&zone.parse().unwrap()), "{zone} was opened");
        }
        prop_assert!(ask.duration.span <= namespaces.default.max_duration && ask.duration.span.as_secs() >= 60);
        prop_assert!((0.0..=1.0).contains(&ask.utilisation.get()));
    }
}

#[test]
fn what_belongs_to_the_node_to_the_system_or_to_a_listed_namespace_is_never_judged() {
    let owned = |kind| PodFacts {
        owner: Owner {
            kind,
            name: Arc::from("owner"),
        },
        ..pod("a", 1, None)
    };
    let system = PodFacts {
        system_priority: true,
        ..pod("a", 1, None)
    };
    let listed = PodFacts {
        namespace: Arc::from("kube-system"),
        ..pod("a", 1, None)
    };
    let none = pod("a", 0, None);
    for (pod, exemption) in [
        (owned(OwnerKind::DaemonSet), Exemption::DaemonSet),
        (owned(OwnerKind::Node), Exemption::Mirror),
        (system, Exemption::SystemPriority),
        (listed, Exemption::Namespace),
        (none, Exemption::NoGpu),
    ] {
        assert_eq!(Workload::parse(&pod, &namespaces(Mode::Strict)), Err(exemption));
    }
    let plain = pod("a", 1, None);
    assert_eq!(Workload::parse(&plain, &namespaces(Mode::Off)), Err(Exemption::Off));
    assert!(Workload::parse(&plain, &namespaces(Mode::Shadow)).is_ok());
}

#[test]
fn off_may_be_chosen_only_where_it_is_allowed() {
    let off = annotated(&[("heliotrope.dev/mode", "off")]);
    let mut namespaces = namespaces(Mode::Strict);
    assert_eq!(Workload::parse(&off, &namespaces).map(|ask| ask.mode), Ok(Mode::Strict));
    namespaces.default.selectable_modes = [Mode::Off].into();
    assert_eq!(Workload::parse(&off, &namespaces), Err(Exemption::Off));
}

#[test]
fn strict_differs_from_prefer_only_in_what_it_refuses() {
    let world = World::flat(&[100.0, 500.0]);
    let of = |mode| decided(&world, &workload(mode), &policy());
    let (prefer, strict) = (of(Mode::Prefer), of(Mode::Strict));
    assert_eq!(prefer.costs, strict.costs);
    assert_eq!(
        (prefer.verdict.kept, strict.verdict.kept),
        (vec![true, true], vec![true, false])
    );
}
