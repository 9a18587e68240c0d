//! Who holds a board, and how busy it is: series beside its watts, with times of their own.

use crate::outbound::TimedSample;
use heliotrope_core::quantity::Ratio;
use heliotrope_core::snapshot::PodName;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is further apart is not of one moment: exporters collect every few seconds to half a minute, and what they collected
/// together is scraped together.
const TOGETHER: SignedDuration = SignedDuration::from_secs(10);
/// A board is busy all the time at most; what averages over a window that is not quite the stated one overshoots a little.
const MOST: f64 = 1.05;
/// Pods told of one board. Twenty time slices are many; who it is matters only as long as it is one.
const MAX_HOLDERS: usize = 64;
/// Kubernetes' own bounds: a DNS label and a DNS subdomain.
const MAX_NAMESPACE: usize = 63;
const MAX_NAME: usize = 253;

/// What all the time is in a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// 1.
    Ratio,
    /// 100.
    Percent,
}

impl Scale {
    /// The share of the time; `None` for what no share can be.
    pub(super) fn share(self, value: f64) -> Option<Ratio> {
        let share = match self {
            Self::Ratio => value,
            Self::Percent => value / 100.0,
        };
        (0.0..=MOST).contains(&share).then(|| Ratio::saturating(share))
    }
}

/// Shares of the time by board, with their metric's place in the source's list.
#[derive(Debug, Default)]
pub(super) struct Shares(BTreeMap<Arc<str>, Vec<(usize, Timestamp, Ratio)>>);

impl Shares {
    pub(super) fn add(&mut self, board: Arc<str>, metric: usize, at: Timestamp, share: Ratio) {
        self.0.entry(board).or_default().push((metric, at, share));
    }

    /// How busy a board was at a moment: by the first metric that tells of that moment. Virtual GPUs repeat their board;
    /// where they differ, the largest counts.
    pub(super) fn at(&self, board: &str, moment: Timestamp) -> Option<Ratio> {
        let near = self
            .0
            .get(board)?
            .iter()
            .filter(|(_, at, _)| apart(*at, moment) <= TOGETHER);
        let best = near.min_by(|(m, at, a), (n, bt, b)| {
            let by_place = (m, apart(*at, moment)).cmp(&(n, apart(*bt, moment)));
            by_place.then(b.get().total_cmp(&a.get()))
        });
        best.map(|(_, _, share)| *share)
    }
}

/// Pods by board, each with when a series named it last.
#[derive(Debug, Default)]
pub(super) struct Holders(BTreeMap<Arc<str>, BTreeMap<PodName, Timestamp>>);

impl Holders {
    pub(super) fn add(&mut self, board: &Arc<str>, pod: PodName, at: Timestamp) {
        let pods = self.0.entry(Arc::clone(board)).or_default();
        if pods.len() < MAX_HOLDERS || pods.contains_key(&pod) {
            let seen = pods.entry(pod).or_insert(at);
            *seen = at.max(*seen);
        }
    }

    /// Who held a board at a moment: the series of a pod that has gone lingers, with an older sample.
    pub(super) fn at(&self, board: &str, moment: Timestamp) -> Vec<PodName> {
        let pods = self.0.get(board).into_iter().flatten();
        let here = pods.filter(|(_, at)| apart(**at, moment) <= TOGETHER);
        here.map(|(pod, _)| pod.clone()).collect()
    }
}

/// The pod that a series is of. Labels stand in pairs, name and namespace, in the order they are looked at. Where Prometheus
/// pushed the workload's labels to `exported_…`, the bare ones are those of the exporter's own pod: such a pod asks for no
/// board, and the snapshot takes it for no holder.
pub(super) fn holder(sample: &TimedSample, pairs: &[(String, String)]) -> Option<PodName> {
    let label = |name: &str| sample.labels.get(name).filter(|value| !value.is_empty());
    let exported = |name: &str| label(&format!("exported_{name}"));
    let both = pairs.iter().find_map(|(pod, namespace)| match exported(pod) {
        Some(name) => Some((name, exported(namespace).or_else(|| label(namespace))?)),
        None => label(pod).zip(label(namespace)),
    });
    let (name, namespace) = both.filter(|(name, of)| name.len() <= MAX_NAME && of.len() <= MAX_NAMESPACE)?;
    Some(PodName {
        namespace: Arc::from(namespace.as_str()),
        name: Arc::from(name.as_str()),
    })
}

fn apart(a: Timestamp, b: Timestamp) -> SignedDuration {
    a.duration_since(b).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_share_is_between_nothing_and_all_or_it_is_none() {
        for (scale, value, share) in [
            (Scale::Ratio, 0.0, Some(0.0)),
            (Scale::Ratio, 0.73, Some(0.73)),
            (Scale::Ratio, 1.04, Some(1.0)),
            (Scale::Ratio, 1.06, None),
            (Scale::Ratio, -0.01, None),
            (Scale::Ratio, f64::NAN, None),
            (Scale::Ratio, f64::INFINITY, None),
            (Scale::Percent, 97.0, Some(0.97)),
            (Scale::Percent, 104.0, Some(1.0)),
            (Scale::Percent, 106.0, None),
            (Scale::Percent, -1.0, None),
        ] {
            assert_eq!(scale.share(value).map(Ratio::get), share, "{scale:?} {value}");
        }
    }

    #[test]
    fn the_first_metric_that_tells_of_the_moment_counts() {
        let mut shares = Shares::default();
        let board: Arc<str> = Arc::from("GPU-1");
        let mut add =
            |metric, second, share| shares.add(Arc::clone(&board), metric, at(second), Ratio::saturating(share));
        add(1, 100, 0.9);
        add(0, 89, 0.1);
        add(0, 130, 0.2);
        add(0, 131, 0.3);
        let told = |moment| shares.at("GPU-1", at(moment)).map(Ratio::get);
        assert_eq!(told(100), Some(0.9), "the first metric is 11 s away");
        assert_eq!(told(99), Some(0.1), "and here it is 10 s away");
        assert_eq!(told(130), Some(0.2), "the nearest");
        assert_eq!(told(115), None);
        assert_eq!(shares.at("GPU-2", at(100)), None);
    }

    #[test]
    fn a_pod_that_has_gone_holds_nothing() {
        let mut holders = Holders::default();
        let board: Arc<str> = Arc::from("GPU-1");
        let pod = |name: &str| PodName {
            namespace: Arc::from("ml"),
            name: Arc::from(name),
        };
        holders.add(&board, pod("gone"), at(0));
        holders.add(&board, pod("here"), at(0));
        holders.add(&board, pod("here"), at(60));
        assert_eq!(holders.at("GPU-1", at(60)), [pod("here")]);
        for name in 0..200 {
            holders.add(&board, pod(&name.to_string()), at(60));
        }
        assert_eq!(holders.0["GPU-1"].len(), MAX_HOLDERS);
    }

    #[test]
    fn the_workloads_labels_are_told_from_the_exporters() {
        let pairs = [("pod", "namespace"), ("pod_name", "pod_namespace")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let long = "x".repeat(254);
        for (labels, expected) in [
            (vec![("pod", "train-0"), ("namespace", "ml")], Some("ml/train-0")),
            (
                vec![("pod_name", "train-0"), ("pod_namespace", "ml")],
                Some("ml/train-0"),
            ),
            (
                vec![
                    ("pod", "dcgm-x"),
                    ("namespace", "gpu-operator"),
                    ("exported_pod", "train-0"),
                    ("exported_namespace", "ml"),
                ],
                Some("ml/train-0"),
            ),
            (
                vec![("pod", "dcgm-x"), ("namespace", "ml"), ("exported_pod", "train-0")],
                Some("ml/train-0"),
            ),
            (vec![("pod", "train-0")], None),
            (vec![("pod", ""), ("namespace", "")], None),
            (vec![("pod", long.as_str()), ("namespace", "ml")], None),
            (vec![], None),
        ] {
            let sample = TimedSample {
                labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
                value: 1.0,
                observed_at: at(0),
            };
            let told = holder(&sample, &pairs).map(|pod| format!("{}/{}", pod.namespace, pod.name));
            assert_eq!(told.as_deref(), expected, "{labels:?}");
        }
    }
}
