//! Properties of devices: whatever is told of them, and in whatever order, boards are counted once.

use super::devices::{bare, boards, claiming, claims, count, device, event, given, is_pod, put, slice, state};
use super::*;
use crate::snapshot::devices::DeviceState;
use proptest::prelude::*;

/// A board with the devices that speak of it: each by some of its marks, the first by all of them.
fn described() -> impl Strategy<Value = Vec<Vec<bool>>> {
    prop::collection::vec(prop::collection::vec(any::<bool>(), 1..6), 1..9)
}

proptest! {
    /// However many devices speak of a board, in whatever order and spread over whatever slices, it is one.
    #[test]
    fn g9_boards_are_counted_once(of_boards in described(), slices in 1_usize..4, seed in any::<u64>()) {
        let mut devices = Vec::new();
        for (board, speaks) in of_boards.iter().enumerate() {
            let (uuid, address) = (format!("uuid:{board}"), format!("pci:{board}"));
            devices.push(device(&format!("gpu-{board}"), "n", &[&uuid, &address]));
            for (i, by_uuid) in speaks.iter().enumerate() {
                let mark = if *by_uuid { &uuid } else { &address };
                devices.push(device(&format!("part-{board}-{i}"), "n", &[mark]));
            }
        }
        let place = |device: &DeviceFacts| {
            use std::hash::{DefaultHasher, Hash, Hasher};
            let mut hasher = DefaultHasher::new();
            (seed, &device.name).hash(&mut hasher);
            hasher.finish()
        };
        devices.sort_by_key(place);
        let mut spread = vec![Vec::new(); slices];
        for (i, device) in devices.into_iter().enumerate() {
            spread[i % slices].push(device);
        }
        let told = spread.into_iter().enumerate().map(|(i, devices)| put(slice(&format!("s{i}"), 7, slices, devices)));
        prop_assert_eq!(count(&state(told), "n"), Some(u32::try_from(of_boards.len()).unwrap()));
    }

    /// Whatever came before and in whatever order: once a generation is whole and the others are gone, it is what counts.
    #[test]
    fn g3_pools_settle_on_the_newest_generation(
        before in prop::collection::vec((0_usize..4, 0_i64..5, 1_usize..4, 0_usize..9), 0..30),
        last in prop::collection::vec(0_usize..5, 1..4),
    ) {
        let mut state = DeviceState::default();
        for (name, generation, slices, boards_of) in before {
            state.apply(put(slice(&format!("s{name}"), generation, slices, boards("n", boards_of))));
        }
        let whole = last.len();
        let mut seen = 0;
        for (i, boards_of) in last.iter().enumerate() {
            let mut devices = boards("n", seen + boards_of);
            seen += boards_of;
            state.apply(put(slice(&format!("s{i}"), 9, whole, devices.split_off(seen - boards_of))));
        }
        let counted = (seen > 0).then(|| u32::try_from(seen).unwrap());
        prop_assert_eq!(count(&state, "n"), counted);
    }

    /// Boards taken on a node are those of its claims, each once, and never more than it has.
    #[test]
    fn g3_taken_boards_are_those_of_distinct_claims(pods in prop::collection::vec(prop::collection::vec(0_usize..5, 0..4), 1..8)) {
        let mut builder = builder();
        observe(&mut builder, second(0), [ClusterEvent::Node(bare("n")), event(put(slice("s", 1, 1, boards("n", 8))))]);
        let mut used = std::collections::BTreeSet::new();
        for (i, of_pod) in pods.iter().enumerate() {
            let names: Vec<String> = of_pod.iter().map(|claim| format!("c{claim}")).collect();
            let refs: Vec<_> = names.iter().map(|name| (Some(name.as_str()), None)).collect();
            observe(&mut builder, second(0), [is_pod(claiming(&format!("p{i}"), Some("n"), &refs))]);
            used.extend(of_pod.iter().copied());
        }
        for claim in 0..5 {
            observe(&mut builder, second(1), [claims(given(&format!("c{claim}"), &[&format!("gpu-{claim}")]))]);
        }
        let snapshot = builder.build(second(1));
        let node = snapshot.node(snapshot.find("n").unwrap()).unwrap();
        prop_assert_eq!(node.slots.whole_free() as usize, 8 - used.len());
        let all: Vec<String> = (0..pods.len()).map(|i| format!("p{i}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        prop_assert_eq!(node.without(&all, &surroundings()).slots.whole_free(), 8);
    }
}
