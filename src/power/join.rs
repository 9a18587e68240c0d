//! Several sources as one picture.

use super::dcgm::Boards;
use heliotrope_core::quantity::Source;
use heliotrope_core::snapshot::{NodePower, PowerReport};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The last answer of each source, in the order of the settings.
#[derive(Debug)]
pub(super) struct Joined {
    names: Vec<String>,
    answers: Vec<Boards>,
    /// A sample that is older says nothing any more.
    stale_for: SignedDuration,
}

impl Joined {
    pub(super) fn new(names: Vec<String>, stale_for: SignedDuration) -> Self {
        Self {
            answers: vec![Boards::new(); names.len()],
            names,
            stale_for,
        }
    }

    /// Takes the answer of a source in, in place of its last one, and tells of the nodes in it.
    ///
    /// Two Prometheus servers that scrape the same exporters know the same boards: the newest sample of each counts,
    /// and of equally old ones that of the source named first. Sources that know different boards of one node add
    /// up to it, so that the one that answers last does not stand for the whole node. A node that only a source that
    /// fell silent knew ages with its last samples.
    pub(super) fn take(&mut self, source: usize, boards: Boards, now: Timestamp) -> Vec<PowerReport> {
        let nodes: BTreeSet<Arc<str>> = boards.values().map(|(node, _)| Arc::clone(node)).collect();
        if let Some(answer) = self.answers.get_mut(source) {
            *answer = boards;
        }
        let counts = |at: Timestamp| now.duration_since(at) <= self.stale_for;
        let mut best: BTreeMap<&Arc<str>, (usize, &Arc<str>, _)> = BTreeMap::new();
        for (from, answer) in self.answers.iter().enumerate() {
            for (uuid, (node, board)) in answer {
                let mine = from == source || counts(board.observed_at);
                let better =
                    best.get(uuid)
                        .is_none_or(|(_, _, held): &(_, _, &heliotrope_core::snapshot::BoardPower)| {
                            held.observed_at < board.observed_at
                        });
                if mine && better {
                    best.insert(uuid, (from, node, board));
                }
            }
        }
        let mut by_node: BTreeMap<&Arc<str>, (BTreeSet<usize>, Vec<_>)> = BTreeMap::new();
        for (from, node, board) in best.into_values().filter(|(_, node, _)| nodes.contains(*node)) {
            let (sources, boards) = by_node.entry(node).or_default();
            sources.insert(from);
            boards.push(board.clone());
        }
        let mut by_sources: BTreeMap<BTreeSet<usize>, Vec<NodePower>> = BTreeMap::new();
        for (node, (sources, boards)) in by_node {
            let node = Arc::clone(node);
            by_sources.entry(sources).or_default().push(NodePower { node, boards });
        }
        let report = |(sources, nodes)| PowerReport {
            source: self.name(&sources),
            nodes,
        };
        by_sources.into_iter().map(report).collect()
    }

    fn name(&self, sources: &BTreeSet<usize>) -> Source {
        let names: Vec<&str> = sources
            .iter()
            .filter_map(|source| self.names.get(*source).map(String::as_str))
            .collect();
        Source::new(&names.join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_core::quantity::Watts;
    use heliotrope_core::snapshot::BoardPower;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn boards(boards: &[(&str, &str, f64, i64)]) -> Boards {
        let made = boards.iter().map(|(node, uuid, watts, second)| {
            let board = BoardPower {
                uuid: Arc::from(*uuid),
                watts: Watts::saturating(*watts),
                observed_at: at(*second),
                model: None,
                utilisation: None,
                pods: Vec::new(),
            };
            (Arc::clone(&board.uuid), (Arc::from(*node), board))
        });
        made.collect()
    }

    /// Source, node and watts of every node told.
    fn told(reports: &[PowerReport]) -> Vec<(String, String, f64)> {
        let nodes = reports.iter().flat_map(|report| {
            report.nodes.iter().map(|node| {
                let watts: Watts = node.boards.iter().map(|board| board.watts).sum();
                (report.source.to_string(), node.node.to_string(), watts.get())
            })
        });
        nodes.collect()
    }

    fn two() -> Joined {
        Joined::new(vec!["a".to_owned(), "b".to_owned()], SignedDuration::from_secs(300))
    }

    #[test]
    fn of_one_board_in_two_sources_the_newest_sample_counts() {
        let mut joined = two();
        joined.take(0, boards(&[("n1", "GPU-1", 400.0, 60)]), at(60));
        let late = joined.take(1, boards(&[("n1", "GPU-1", 90.0, 0)]), at(61));
        assert_eq!(told(&late), [("a".into(), "n1".into(), 400.0)], "b is a minute behind");
        let even = joined.take(1, boards(&[("n1", "GPU-1", 90.0, 60)]), at(62));
        assert_eq!(told(&even), [("a".into(), "n1".into(), 400.0)], "a is named first");
        let newer = joined.take(1, boards(&[("n1", "GPU-1", 90.0, 62)]), at(63));
        assert_eq!(told(&newer), [("b".into(), "n1".into(), 90.0)]);
    }

    #[test]
    fn sources_that_know_a_part_each_add_up() {
        let mut joined = two();
        joined.take(0, boards(&[("n1", "GPU-1", 400.0, 0), ("n2", "GPU-9", 50.0, 0)]), at(0));
        let whole = joined.take(1, boards(&[("n1", "GPU-2", 300.0, 0)]), at(1));
        assert_eq!(told(&whole), [("a+b".into(), "n1".into(), 700.0)], "n2 is not news");
    }

    #[test]
    fn a_source_that_is_silent_for_too_long_says_nothing_any_more() {
        let mut joined = two();
        joined.take(0, boards(&[("n1", "GPU-1", 400.0, 0)]), at(0));
        let later = joined.take(1, boards(&[("n1", "GPU-2", 300.0, 301)]), at(301));
        assert_eq!(told(&later), [("b".into(), "n1".into(), 300.0)]);
    }
}
