//! Several sources as one picture.

use super::reading::{Boards, Hosts, Reading};
use super::settings::PowerSource;
use heliotrope_core::quantity::Source;
use heliotrope_core::snapshot::{BoardPower, HostReading, NodePower, PowerBounds, PowerReport};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The last answer of each source, in the order of the settings.
#[derive(Debug)]
pub(super) struct Joined {
    sources: Vec<Answer>,
    bounds: PowerBounds,
}

#[derive(Debug)]
struct Answer {
    name: String,
    family: String,
    boards: Boards,
    hosts: Hosts,
}

/// How good a sample is, larger being better: fresh ones by the order of the settings, others by their age.
type Rank = (bool, Reverse<usize>, Timestamp);
/// A board with its rank, its source and its node.
type Best<'b> = (Rank, usize, &'b Arc<str>, &'b BoardPower);

impl Joined {
    pub(super) fn new(sources: &[PowerSource], bounds: PowerBounds) -> Self {
        let answer = |source: &PowerSource| Answer {
            name: source.name.clone(),
            family: source.family.clone(),
            boards: Boards::new(),
            hosts: Hosts::new(),
        };
        Self {
            sources: sources.iter().map(answer).collect(),
            bounds,
        }
    }

    /// Takes the answer of a source in, in place of its last one, and tells of the nodes in it.
    ///
    /// Of one board in several sources, the first in the settings counts as long as its sample is fresh, and then the newest:
    /// the one that answers last does not stand for the rest. Sources of one family (two Prometheus servers, each with a
    /// part of the exporters) name boards alike, and add up to a node. Sources of different families may call one board by
    /// two names, so a node's boards are those of one family, that of the first source with a fresh sample of it. A node
    /// that only a source that fell silent knew ages with its last samples.
    pub(super) fn take(&mut self, source: usize, reading: Reading, now: Timestamp) -> Vec<PowerReport> {
        let on = reading.boards.values().map(|(node, _)| Arc::clone(node));
        let nodes: BTreeSet<Arc<str>> = on.chain(reading.hosts.keys().cloned()).collect();
        if let Some(answer) = self.sources.get_mut(source) {
            (answer.boards, answer.hosts) = (reading.boards, reading.hosts);
        }
        let mut by_sources: BTreeMap<BTreeSet<usize>, Vec<NodePower>> = BTreeMap::new();
        let mut boards = self.boards_by_node(source, now);
        for node in nodes {
            let (mut sources, boards) = boards.remove(&node).unwrap_or_default();
            let host = self.host(&node, source, now);
            if boards.is_empty() {
                sources.insert(source);
            }
            by_sources
                .entry(sources)
                .or_default()
                .push(NodePower { node, boards, host });
        }
        let report = |(sources, nodes)| PowerReport {
            source: self.name(&sources),
            nodes,
        };
        by_sources.into_iter().map(report).collect()
    }

    /// What counts of a sample of a source; `None` for one that is too old, unless its source has just said it.
    fn rank(&self, from: usize, asked: usize, at: Timestamp, now: Timestamp) -> Option<Rank> {
        let age = now.duration_since(at);
        let fresh = age <= self.bounds.fresh_for;
        let counts = from == asked || age <= self.bounds.stale_for;
        // Among those that are not fresh the order says nothing.
        counts.then_some((fresh, Reverse(if fresh { from } else { 0 }), at))
    }

    /// The boards of each node, from the one family that speaks for it, with the sources that they are of.
    fn boards_by_node(&self, asked: usize, now: Timestamp) -> BTreeMap<Arc<str>, (BTreeSet<usize>, Vec<BoardPower>)> {
        let mut best: BTreeMap<(&str, &Arc<str>), Best<'_>> = BTreeMap::new();
        for (from, answer) in self.sources.iter().enumerate() {
            for (id, (node, board)) in &answer.boards {
                let Some(rank) = self.rank(from, asked, board.observed_at, now) else {
                    continue;
                };
                let key = (answer.family.as_str(), id);
                if best.get(&key).is_none_or(|(held, ..)| *held < rank) {
                    best.insert(key, (rank, from, node, board));
                }
            }
        }
        let mut speaker: BTreeMap<&Arc<str>, (Rank, &str)> = BTreeMap::new();
        for ((family, _), (rank, _, node, _)) in &best {
            if speaker.get(node).is_none_or(|(held, _)| held < rank) {
                speaker.insert(node, (*rank, family));
            }
        }
        let mut by_node: BTreeMap<Arc<str>, (BTreeSet<usize>, Vec<BoardPower>)> = BTreeMap::new();
        for ((family, _), (_, from, node, board)) in &best {
            if speaker.get(node).is_some_and(|(_, speaks)| speaks == family) {
                let (sources, boards) = by_node.entry(Arc::clone(node)).or_default();
                sources.insert(*from);
                boards.push((*board).clone());
            }
        }
        by_node
    }

    /// What the host draws, from one source: meters that see different parts of it are not added up.
    fn host(&self, node: &Arc<str>, asked: usize, now: Timestamp) -> Option<HostReading> {
        let said = self.sources.iter().enumerate().filter_map(|(from, answer)| {
            let host = answer.hosts.get(node)?;
            Some((self.rank(from, asked, host.reading.observed_at, now)?, host))
        });
        said.max_by_key(|(rank, _)| *rank).map(|(_, host)| host.clone())
    }

    fn name(&self, sources: &BTreeSet<usize>) -> Source {
        let names: Vec<&str> = sources
            .iter()
            .filter_map(|source| self.sources.get(*source).map(|answer| answer.name.as_str()))
            .collect();
        Source::new(&names.join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_core::quantity::{Reading as Read, Watts};
    use heliotrope_core::snapshot::HostScope;
    use jiff::SignedDuration;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn boards(boards: &[(&str, &str, f64, i64)]) -> Reading {
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
        Reading {
            boards: made.collect(),
            ..Reading::default()
        }
    }

    fn host(node: &str, scope: HostScope, watts: f64, second: i64) -> Reading {
        let reading = Read {
            value: Watts::saturating(watts),
            observed_at: at(second),
            source: Source::new("meter"),
        };
        Reading {
            hosts: [(Arc::from(node), HostReading { scope, reading })].into(),
            ..Reading::default()
        }
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

    /// Sources by the name of their family.
    fn of(families: &[&str]) -> Joined {
        let answer = |(name, family): (char, &&str)| Answer {
            name: name.to_string(),
            family: (*family).to_owned(),
            boards: Boards::new(),
            hosts: Hosts::new(),
        };
        Joined {
            sources: ('a'..).zip(families).map(answer).collect(),
            bounds: PowerBounds {
                fresh_for: SignedDuration::from_secs(90),
                stale_for: SignedDuration::from_secs(300),
            },
        }
    }

    fn two() -> Joined {
        of(&["dcgm", "dcgm"])
    }

    #[test]
    fn of_one_board_in_two_sources_the_first_counts_while_it_is_fresh() {
        let mut joined = two();
        joined.take(1, boards(&[("n1", "GPU-1", 90.0, 60)]), at(60));
        let a = joined.take(0, boards(&[("n1", "GPU-1", 400.0, 50)]), at(60));
        assert_eq!(told(&a), [("a".into(), "n1".into(), 400.0)], "a is named first");
        let b = joined.take(1, boards(&[("n1", "GPU-1", 95.0, 140)]), at(140));
        assert_eq!(told(&b), [("a".into(), "n1".into(), 400.0)], "and is fresh for 90 s");
        let late = joined.take(1, boards(&[("n1", "GPU-1", 95.0, 141)]), at(141));
        assert_eq!(told(&late), [("b".into(), "n1".into(), 95.0)]);
        let both_old = joined.take(1, boards(&[("n1", "GPU-1", 95.0, 141)]), at(260));
        assert_eq!(
            told(&both_old),
            [("b".into(), "n1".into(), 95.0)],
            "of old ones the newest"
        );
    }

    #[test]
    fn sources_that_know_a_part_each_add_up() {
        let mut joined = two();
        joined.take(0, boards(&[("n1", "GPU-1", 400.0, 0), ("n2", "GPU-9", 50.0, 0)]), at(0));
        let whole = joined.take(1, boards(&[("n1", "GPU-2", 300.0, 0)]), at(1));
        assert_eq!(told(&whole), [("a+b".into(), "n1".into(), 700.0)], "n2 is not news");
    }

    #[test]
    fn sources_that_name_boards_otherwise_do_not_add_up() {
        let mut joined = of(&["amd", "own"]);
        joined.take(1, boards(&[("n1", "n1/0", 410.0, 0)]), at(0));
        let amd = joined.take(0, boards(&[("n1", "serial-7", 400.0, 0)]), at(0));
        assert_eq!(told(&amd), [("a".into(), "n1".into(), 400.0)]);
        let own = joined.take(1, boards(&[("n1", "n1/0", 410.0, 10)]), at(10));
        assert_eq!(
            told(&own),
            [("a".into(), "n1".into(), 400.0)],
            "the first speaks for the node"
        );
        let silent = joined.take(1, boards(&[("n1", "n1/0", 410.0, 100)]), at(100));
        assert_eq!(told(&silent), [("b".into(), "n1".into(), 410.0)]);
    }

    #[test]
    fn a_source_that_is_silent_for_too_long_says_nothing_any_more() {
        let mut joined = two();
        joined.take(0, boards(&[("n1", "GPU-1", 400.0, 0)]), at(0));
        let later = joined.take(1, boards(&[("n1", "GPU-2", 300.0, 301)]), at(301));
        assert_eq!(told(&later), [("b".into(), "n1".into(), 300.0)]);
    }

    #[test]
    fn a_host_is_told_with_its_boards_and_by_the_first_of_its_meters() {
        let mut joined = of(&["dcgm", "ipmi", "rapl"]);
        joined.take(0, boards(&[("n1", "GPU-1", 400.0, 0)]), at(0));
        let rapl = joined.take(2, host("n1", HostScope::Packages, 150.0, 0), at(0));
        assert_eq!(told(&rapl), [("a".into(), "n1".into(), 400.0)]);
        let watts = |reports: &[PowerReport]| reports[0].nodes[0].host.as_ref().unwrap().reading.value.get();
        assert!((watts(&rapl) - 150.0).abs() < 1e-9);
        let ipmi = joined.take(1, host("n1", HostScope::Machine, 900.0, 0), at(0));
        assert!((watts(&ipmi) - 900.0).abs() < 1e-9);
        let again = joined.take(2, host("n1", HostScope::Packages, 160.0, 60), at(60));
        assert!((watts(&again) - 900.0).abs() < 1e-9, "while it is fresh");
        let alone = joined.take(2, host("n2", HostScope::Packages, 70.0, 60), at(60));
        assert_eq!(told(&alone), [("c".into(), "n2".into(), 0.0)]);
    }
}
