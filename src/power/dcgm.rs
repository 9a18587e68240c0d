//! What dcgm-exporter's power gauge says.

use crate::outbound::Sample;
use heliotrope_core::quantity::{Source, Watts};
use heliotrope_core::snapshot::{BoardPower, NodePower, PowerReport};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// No board draws more: the largest rating today is 1,400 W.
const ABSURD_WATTS: f64 = 3000.0;

/// Turns the gauge and the time of each of its samples into a report, and counts the samples refused as impossible.
///
/// MIG instances and time-sliced pods repeat the whole board's watts: a board is one UUID on one node, its watts the
/// largest of its series (series of a pod that has gone linger with an older value), its time the newest.
pub(super) fn report(
    watts: &[Sample],
    stamps: &[Sample],
    node_labels: &[String],
    source: &str,
) -> (PowerReport, u64) {
    let mut implausible = 0;
    let stamps: HashMap<_, f64> = stamps
        .iter()
        .map(|sample| (identity(&sample.labels), sample.value))
        .collect();
    let mut nodes: BTreeMap<&str, BTreeMap<&str, BoardPower>> = BTreeMap::new();
    for sample in watts {
        let node = node_labels
            .iter()
            .find_map(|label| sample.labels.get(label))
            .filter(|node| !node.is_empty());
        let (Some(node), Some(uuid)) = (node, sample.labels.get("UUID")) else {
            continue;
        };
        let Some(observed_at) = stamps.get(&identity(&sample.labels)).and_then(|at| moment(*at)) else {
            continue;
        };
        let Some(value) = Watts::new(sample.value)
            .ok()
            .filter(|watts| watts.get() <= ABSURD_WATTS)
        else {
            implausible += 1;
            continue;
        };
        let model = sample.labels.get("modelName").map(|name| Arc::from(name.as_str()));
        let boards = nodes.entry(node).or_default();
        let board = boards.entry(uuid).or_insert_with(|| BoardPower {
            uuid: Arc::from(uuid.as_str()),
            watts: value,
            observed_at,
            model,
        });
        board.observed_at = board.observed_at.max(observed_at);
        if value > board.watts {
            board.watts = value;
        }
    }
    let nodes = nodes.into_iter().map(|(node, boards)| NodePower {
        node: Arc::from(node),
        boards: boards.into_values().collect(),
    });
    (
        PowerReport {
            source: Source::new(source),
            nodes: nodes.collect(),
        },
        implausible,
    )
}

/// The series without its name, which functions such as `timestamp` drop.
fn identity(labels: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    labels
        .iter()
        .filter(|(key, _)| *key != "__name__")
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

fn moment(seconds: f64) -> Option<Timestamp> {
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.saturating_add(since).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: f64, labels: &[(&str, &str)]) -> Sample {
        Sample {
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            value,
        }
    }

    fn both() -> Vec<String> {
        vec!["Hostname".to_owned(), "hostname".to_owned()]
    }

    #[test]
    fn a_board_counts_once_whatever_shares_it() {
        let mig = |id| {
            [
                ("UUID", "GPU-1"),
                ("Hostname", "n1"),
                ("GPU_I_ID", id),
                ("exported_pod", "p"),
            ]
        };
        let watts = [
            sample(412.3, &mig("1")),
            sample(412.3, &mig("2")),
            sample(70.0, &[("UUID", "GPU-2"), ("hostname", "n1")]),
        ];
        let stamps: Vec<Sample> = watts
            .iter()
            .map(|s| Sample {
                value: 1_800_000_000.0,
                ..s.clone()
            })
            .collect();
        let (report, implausible) = report(&watts, &stamps, &both(), "dcgm");
        let total: Watts = report.nodes[0].boards.iter().map(|board| board.watts).sum();
        assert_eq!(
            (report.nodes.len(), report.nodes[0].boards.len(), implausible),
            (1, 2, 0)
        );
        assert!((total.get() - 482.3).abs() < 1e-9);
    }

    #[test]
    fn what_no_board_can_draw_is_refused_and_counted() {
        let labels = [("UUID", "GPU-1"), ("Hostname", "n1")];
        for value in [-1.0, 99_999.0] {
            let stamps = [sample(1_800_000_000.0, &labels)];
            let (report, implausible) = report(&[sample(value, &labels)], &stamps, &both(), "dcgm");
            assert_eq!((report.nodes.len(), implausible), (0, 1), "{value}");
        }
    }

    #[test]
    fn a_sample_without_a_time_or_a_node_says_nothing() {
        let (report, _) = report(
            &[sample(70.0, &[("UUID", "GPU-1"), ("Hostname", "n1")])],
            &[],
            &both(),
            "dcgm",
        );
        assert!(report.nodes.is_empty());
    }
}
