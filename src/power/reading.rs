//! What power series say of boards and hosts.

use super::busy::{Holders, Shares, holder};
use super::preset::Measures;
use super::settings::PowerSource;
use crate::outbound::TimedSample;
use heliotrope_core::quantity::{Reading as Read, Source, Watts};
use heliotrope_core::snapshot::{BoardPower, HostReading, HostScope};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// No machine draws more: eight of the largest boards and a host are 15 kW, a rack-scale machine some 130 kW.
const ABSURD_HOST: f64 = 200_000.0;

/// Boards by their identity, each with its node.
pub(super) type Boards = BTreeMap<Arc<str>, (Arc<str>, BoardPower)>;
/// Hosts by node.
pub(super) type Hosts = BTreeMap<Arc<str>, HostReading>;

/// What one answer says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// Every board once.
    pub(super) boards: Boards,
    /// Every host once.
    pub(super) hosts: Hosts,
    /// Samples that nothing can have sent: negative, absurd, or no number.
    pub(super) implausible: u64,
    /// Samples without a node or a board.
    pub(super) nameless: u64,
}

impl Reading {
    pub(super) fn is_empty(&self) -> bool {
        self.boards.is_empty() && self.hosts.is_empty()
    }
}

/// A sample with the place of its metric in the source's list; watts in it are the unit's still.
pub(super) type Placed = (usize, TimedSample);

/// Parts of one host by what tells them apart.
type Parts = BTreeMap<Vec<String>, (Timestamp, Watts)>;

/// Gathers samples, of one Prometheus or of exporters one by one.
pub(super) struct Reader<'s> {
    source: &'s PowerSource,
    reading: Reading,
    boards: BTreeMap<Arc<str>, (usize, Arc<str>, BoardPower)>,
    /// Parts of hosts, by node and metric: parts of different metrics are not added up.
    parts: BTreeMap<(Arc<str>, usize), Parts>,
    shares: Shares,
    holders: Holders,
    /// Boards that are in parts.
    sliced: BTreeSet<Arc<str>>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s PowerSource) -> Self {
        Self {
            source,
            reading: Reading::default(),
            boards: BTreeMap::new(),
            parts: BTreeMap::new(),
            shares: Shares::default(),
            holders: Holders::default(),
            sliced: BTreeSet::new(),
        }
    }

    /// Takes samples in, those that were no numbers by their count. `about` is the node that they are all about.
    pub(super) fn take(&mut self, samples: impl IntoIterator<Item = Placed>, not_numbers: u64, about: Option<&str>) {
        self.reading.implausible += not_numbers;
        for (metric, sample) in samples {
            let node = about.or_else(|| node(&sample, self.source)).map(Arc::from);
            self.hold(&sample, node.as_deref());
            if !self.concerns(&sample) {
                continue;
            }
            let unit = self.source.metrics.get(metric).map(|(_, unit)| *unit);
            let watts = unit.and_then(|unit| Watts::new(unit.watts(sample.value)).ok());
            match self.source.measures {
                Measures::Boards => self.board(metric, &sample, node, watts),
                Measures::Host(_) => self.host(metric, &sample, node, watts),
            }
        }
    }

    /// Whether any board was told of so far.
    pub(super) fn has_boards(&self) -> bool {
        !self.boards.is_empty()
    }

    /// Takes in how busy boards are, by the place of the metric in the source's list of these. What is said of a part of a
    /// board is not said of the board.
    pub(super) fn take_use(
        &mut self,
        samples: impl IntoIterator<Item = Placed>,
        not_numbers: u64,
        about: Option<&str>,
    ) {
        self.reading.implausible += not_numbers;
        for (metric, sample) in samples {
            let node = about.or_else(|| node(&sample, self.source));
            self.hold(&sample, node);
            let board = node.and_then(|node| board_id(&sample, self.source, node));
            let scale = self.source.utilisation.get(metric).map(|(_, scale)| *scale);
            let (Some(board), Some(scale), true, false) =
                (board, scale, self.concerns(&sample), self.is_slice(&sample))
            else {
                continue;
            };
            match scale.share(sample.value) {
                Some(share) => self.shares.add(board, metric, sample.observed_at, share),
                None => self.reading.implausible += 1,
            }
        }
    }

    /// Remembers who a series says that holds its board, and whether that is in parts. Parts without a sensor have pods too.
    fn hold(&mut self, sample: &TimedSample, node: Option<&str>) {
        let slice = self.is_slice(sample);
        if self.source.measures != Measures::Boards || !(slice || self.concerns(sample)) {
            return;
        }
        let Some(board) = node.and_then(|node| board_id(sample, self.source, node)) else {
            return;
        };
        if let Some(pod) = holder(sample, &self.source.holders) {
            self.holders.add(&board, pod, sample.observed_at);
        }
        if slice {
            self.sliced.insert(board);
        }
    }

    /// Whether a series is of a part of a board.
    fn is_slice(&self, sample: &TimedSample) -> bool {
        self.source.slices.iter().any(|(name, whole)| {
            let said = sample.labels.get(name).filter(|value| !value.is_empty());
            said.is_some_and(|said| said != whole)
        })
    }

    /// Whether a series is one of those that count.
    fn concerns(&self, sample: &TimedSample) -> bool {
        let label = |name: &String| sample.labels.get(name).filter(|value| !value.is_empty());
        let PowerSource { only, never, .. } = self.source;
        only.iter().all(|(name, value)| label(name) == Some(value))
            && never
                .iter()
                .all(|(name, value)| label(name).is_none_or(|said| said == value))
    }

    /// MIG instances, time slices and virtual GPUs repeat the whole board's watts, so a board counts once, and its watts
    /// are those of its newest series: a series of a pod that has gone lingers for five minutes with an older value, and so
    /// does one of the node that a board was moved from. Of equally old ones the largest counts.
    fn board(&mut self, metric: usize, sample: &TimedSample, node: Option<Arc<str>>, watts: Option<Watts>) {
        let Some((node, uuid)) =
            node.and_then(|node| Some((Arc::clone(&node), board_id(sample, self.source, &node)?)))
        else {
            self.reading.nameless += 1;
            return;
        };
        // What a board of its model cannot draw is the snapshot's to refuse: it knows the model.
        let Some(watts) = watts else {
            self.reading.implausible += 1;
            return;
        };
        let model = self.source.model_labels.iter().find_map(|name| sample.labels.get(name));
        let board = BoardPower {
            uuid: Arc::clone(&uuid),
            watts,
            observed_at: sample.observed_at,
            model: model.map(|name| Arc::from(name.as_str())),
            utilisation: None,
            pods: Vec::new(),
        };
        let rank = |metric: usize, board: &BoardPower| (Reverse(metric), board.observed_at, board.watts);
        let held = self.boards.get(&uuid);
        if held.is_none_or(|(of, _, held)| rank(*of, held) < rank(metric, &board)) {
            self.boards.insert(uuid, (metric, node, board));
        }
    }

    /// Parts of a host add up. The same part twice (two servers scrape one exporter) counts once, the newest.
    fn host(&mut self, metric: usize, sample: &TimedSample, node: Option<Arc<str>>, watts: Option<Watts>) {
        let Some(node) = node else {
            self.reading.nameless += 1;
            return;
        };
        let Some(watts) = watts.filter(|watts| watts.get() <= ABSURD_HOST) else {
            self.reading.implausible += 1;
            return;
        };
        let label = |name: &String| sample.labels.get(name).cloned().unwrap_or_default();
        let part = self.source.parts.iter().map(label).collect();
        let new = (sample.observed_at, watts);
        let held = self.parts.entry((node, metric)).or_default().entry(part).or_insert(new);
        if *held < new {
            *held = new;
        }
    }

    /// What was said. A host is as old as its oldest part; one that draws nothing is a meter that failed.
    pub(super) fn finish(self) -> Reading {
        let Self {
            source,
            mut reading,
            boards,
            parts,
            shares,
            holders,
            sliced,
        } = self;
        let scope = match source.measures {
            Measures::Host(scope) => scope,
            Measures::Boards => HostScope::Machine,
        };
        reading.boards = boards
            .into_iter()
            .map(|(uuid, (_, node, board))| {
                let whole = !sliced.contains(&uuid);
                let board = BoardPower {
                    utilisation: shares.at(&uuid, board.observed_at).filter(|_| whole),
                    pods: holders.at(&uuid, board.observed_at),
                    ..board
                };
                (uuid, (node, board))
            })
            .collect();
        let name = Source::new(&source.name);
        for ((node, _), parts) in parts {
            let value: Watts = parts.values().map(|(_, watts)| *watts).sum();
            let Some(observed_at) = parts.values().map(|(at, _)| *at).min() else {
                continue;
            };
            if value <= Watts::ZERO {
                reading.implausible += 1;
                continue;
            }
            let source = name.clone();
            let host = HostReading {
                scope,
                reading: Read {
                    value,
                    observed_at,
                    source,
                },
            };
            reading.hosts.entry(node).or_insert(host);
        }
        reading
    }
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

/// What identifies the board. A number or an address on the bus does so on its node alone.
fn board_id(sample: &TimedSample, source: &PowerSource, node: &str) -> Option<Arc<str>> {
    let said = |name: &String| Some((name.clone(), sample.labels.get(name).filter(|id| !id.is_empty())?));
    let (label, id) = source.board_labels.iter().find_map(said)?;
    let label = label.to_ascii_lowercase();
    if label.contains("uuid") || label.contains("serial") {
        return Some(Arc::from(id.as_str()));
    }
    Some(Arc::from(format!("{node}/{id}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::settings::RawPower;
    use crate::settings::Problems;

    #[derive(serde::Deserialize)]
    struct Raw {
        power: RawPower,
    }

    fn read(samples: Vec<TimedSample>, not_numbers: u64, source: &PowerSource) -> Reading {
        let mut reader = Reader::new(source);
        reader.take(samples.into_iter().map(|sample| (0, sample)), not_numbers, None);
        reader.finish()
    }

    fn source(nodes: &[(&str, &str)]) -> PowerSource {
        let text = "power: {sources: [{type: prometheus, url: 'http://127.0.0.1:9090'}]}";
        let raw: Raw = serde_saphyr::from_str(text).unwrap();
        let mut source = raw.power.validate(&mut Problems::default()).sources.remove(0);
        let named = nodes.iter().map(|(host, node)| ((*host).into(), (*node).into()));
        source.nodes = named.collect();
        source
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
        let boards = read(samples, 0, &source(nodes)).boards;
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
        let samples = vec![
            sample(-1.0, 0, &whole),
            sample(70.0, 0, &no_uuid),
            sample(70.0, 0, &no_node),
        ];
        let reading = read(samples, 1, &source(&[]));
        assert_eq!((reading.boards.len(), reading.implausible, reading.nameless), (0, 2, 2));
    }
}
