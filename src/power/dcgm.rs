//! What dcgm-exporter's power gauge says.

use super::settings::PowerSource;
use crate::outbound::{TimedSample, TimedVector};
use heliotrope_core::quantity::Watts;
use heliotrope_core::snapshot::BoardPower;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// No board draws more: the largest rating today is 1,400 W.
const ABSURD_WATTS: f64 = 3000.0;

/// Boards by their UUID, each with its node.
pub(super) type Boards = BTreeMap<Arc<str>, (Arc<str>, BoardPower)>;

/// What one answer says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// Every board once.
    pub(super) boards: Boards,
    /// Samples that no board can have sent: negative, absurd, or no number.
    pub(super) implausible: u64,
    /// Samples without a node or a UUID.
    pub(super) nameless: u64,
}

/// Reads the gauge.
///
/// MIG instances and time-sliced pods repeat the whole board's watts, so a board is one UUID, and its watts are those of
/// its newest series: a series of a pod that has gone lingers for five minutes with an older value, and so does one of
/// the node that a board was moved from. Of equally old ones the largest counts.
pub(super) fn read(vector: &TimedVector, source: &PowerSource) -> Reading {
    let mut reading = Reading {
        implausible: vector.not_numbers,
        ..Reading::default()
    };
    for sample in &vector.samples {
        let (Some(node), Some(uuid)) = (node(sample, source), uuid(sample)) else {
            reading.nameless += 1;
            continue;
        };
        let watts = Watts::new(sample.value).ok();
        let Some(watts) = watts.filter(|watts| watts.get() <= ABSURD_WATTS) else {
            reading.implausible += 1;
            continue;
        };
        let board = BoardPower {
            uuid: Arc::from(uuid),
            watts,
            observed_at: sample.observed_at,
            model: sample.labels.get("modelName").map(|name| Arc::from(name.as_str())),
            utilisation: None,
            pods: Vec::new(),
        };
        match reading.boards.entry(Arc::clone(&board.uuid)) {
            Entry::Vacant(free) => drop(free.insert((Arc::from(node), board))),
            Entry::Occupied(mut held) if is_better(&board, &held.get().1) => {
                drop(held.insert((Arc::from(node), board)));
            }
            Entry::Occupied(_) => {}
        }
    }
    reading
}

fn is_better(new: &BoardPower, held: &BoardPower) -> bool {
    (held.observed_at, held.watts) < (new.observed_at, new.watts)
}

/// The node that a sample is about: the host that a label names, by the name that the settings give it. A label that
/// collides with one of the scraped target is pushed to `exported_…`, and is then the one that the exporter meant.
fn node<'s>(sample: &'s TimedSample, source: &'s PowerSource) -> Option<&'s str> {
    let label = |name: &str| sample.labels.get(name).filter(|value| !value.is_empty());
    let host = source
        .node_labels
        .iter()
        .find_map(|name| label(&format!("exported_{name}")).or_else(|| label(name)))?;
    // `instance` and its like carry a port; an address of colons is not cut.
    let bare = match host.split_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let named = source.nodes.get(host).or_else(|| source.nodes.get(bare));
    Some(named.map_or(bare, String::as_str))
}

/// The board: its UUID in either spelling.
fn uuid(sample: &TimedSample) -> Option<&str> {
    let label = |name| sample.labels.get(name).map(String::as_str);
    label("UUID").or_else(|| label("uuid")).filter(|uuid| !uuid.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn source(nodes: &[(&str, &str)]) -> PowerSource {
        PowerSource {
            name: "dcgm".to_owned(),
            url: "http://127.0.0.1:9090".parse().unwrap(),
            metric: "DCGM_FI_DEV_POWER_USAGE".to_owned(),
            node_labels: ["node", "Hostname", "hostname"].map(str::to_owned).to_vec(),
            nodes: nodes
                .iter()
                .map(|(host, node)| ((*host).into(), (*node).into()))
                .collect(),
        }
    }

    fn sample(value: f64, second: i64, labels: &[(&str, &str)]) -> TimedSample {
        TimedSample {
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            value,
            observed_at: Timestamp::from_second(1_800_000_000 + second).unwrap(),
        }
    }

    /// Node, watts and second of every board.
    fn boards(samples: Vec<TimedSample>, nodes: &[(&str, &str)]) -> Vec<(String, f64, i64)> {
        let vector = TimedVector {
            samples,
            not_numbers: 0,
        };
        let boards = read(&vector, &source(nodes)).boards;
        let seen = boards.values().map(|(node, board)| {
            let second = board.observed_at.as_second() - 1_800_000_000;
            (node.to_string(), board.watts.get(), second)
        });
        seen.collect()
    }

    #[test]
    fn the_newest_series_of_a_board_counts_and_of_equals_the_largest() {
        let pod = |pod| [("UUID", "GPU-1"), ("Hostname", "n1"), ("exported_pod", pod)];
        let lingering = vec![sample(650.0, 0, &pod("gone")), sample(80.0, 60, &pod("here"))];
        assert_eq!(boards(lingering, &[]), [("n1".to_owned(), 80.0, 60)]);
        let shared = vec![sample(412.0, 0, &pod("a")), sample(412.3, 0, &pod("b"))];
        assert_eq!(boards(shared, &[]), [("n1".to_owned(), 412.3, 0)]);
    }

    #[test]
    fn a_board_that_was_moved_is_on_one_node() {
        let on = |node| [("UUID", "GPU-1"), ("Hostname", node)];
        let moved = vec![sample(70.0, 0, &on("old")), sample(75.0, 90, &on("new"))];
        assert_eq!(boards(moved, &[]), [("new".to_owned(), 75.0, 90)]);
    }

    #[test]
    fn hosts_are_named_by_the_settings_with_and_without_a_port() {
        let nodes = [("10.0.0.7", "n7"), ("a.example.com:9400", "n8"), ("fe80::1", "n9")];
        for (host, node) in [
            ("10.0.0.7", "n7"),
            ("10.0.0.7:9400", "n7"),
            ("a.example.com:9400", "n8"),
            ("fe80::1", "n9"),
            ("a.example.com", "a.example.com"),
        ] {
            let labels = [("UUID", "GPU-1"), ("Hostname", host)];
            assert_eq!(boards(vec![sample(70.0, 0, &labels)], &nodes)[0].0, node, "{host}");
        }
        let pushed = [("UUID", "GPU-1"), ("Hostname", "target"), ("exported_Hostname", "n1")];
        assert_eq!(boards(vec![sample(70.0, 0, &pushed)], &[])[0].0, "n1");
    }

    #[test]
    fn what_no_board_can_draw_or_nobody_can_name_is_counted() {
        let (whole, no_uuid, no_node) = (
            [("UUID", "GPU-1"), ("Hostname", "n1")],
            [("Hostname", "n1")],
            [("UUID", "GPU-1"), ("Hostname", "")],
        );
        let vector = TimedVector {
            samples: vec![
                sample(-1.0, 0, &whole),
                sample(99_999.0, 0, &whole),
                sample(70.0, 0, &no_uuid),
                sample(70.0, 0, &no_node),
            ],
            not_numbers: 1,
        };
        let reading = read(&vector, &source(&[]));
        assert_eq!((reading.boards.len(), reading.implausible, reading.nameless), (0, 3, 2));
    }
}
