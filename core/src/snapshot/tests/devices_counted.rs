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

    /// Whatever came before: a generation that is whole counts, and goes on to while a driver replaces its slices one by one in
    /// whatever order, until the next one is whole.
    #[test]
    fn g3_pools_settle_on_the_newest_generation(
        before in prop::collection::vec((0_usize..6, 0_i64..5, 1_usize..4, 0_usize..9), 0..30),
        old in prop::collection::vec(0_usize..5, 1..4),
        (new, order) in prop::collection::vec(0_usize..5, 1..5)
            .prop_flat_map(|new| (Just((0..new.len()).collect::<Vec<_>>()).prop_shuffle(), Just(new)))
            .prop_map(|(order, new)| (new, order)),
    ) {
        let mut state = DeviceState::default();
        for (name, generation, slices, boards_of) in before {
            state.apply(put(slice(&format!("s{name}"), generation, slices, boards("n", boards_of))));
        }
        let spread = |generation: i64, of: &[usize]| -> (Vec<SliceFacts>, Option<u32>) {
            let mut all = boards("n", of.iter().sum());
            let count = (!all.is_empty()).then(|| u32::try_from(all.len()).unwrap());
            let one = |(i, boards): (usize, &usize)| {
                slice(&format!("s{i}"), generation, of.len(), all.split_off(all.len() - boards))
            };
            (of.iter().enumerate().map(one).collect(), count)
        };
        let (slices, held) = spread(8, &old);
        for slice in slices {
            state.apply(put(slice));
        }
        prop_assert_eq!(count(&state, "n"), held);
        let (slices, comes) = spread(9, &new);
        for (told, place) in order.iter().enumerate() {
            prop_assert_eq!(count(&state, "n"), held, "{} of {} slices are new", told, new.len());
            state.apply(put(slices[*place].clone()));
        }
        prop_assert_eq!(count(&state, "n"), comes);
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
