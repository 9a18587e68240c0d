//! Answers exactly as kube-scheduler decodes them, written straight to bytes: nothing is allocated for a node.

use super::offer::Offer;
use super::wire::{MetaVictim, Victims};
use heliotrope_core::placement::{REFUSAL_TEXT, Refusal};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// `ExtenderFilterResult`, in the form in which the request came.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FilterResult<'a> {
    nodes: Option<KeptNodes<'a>>,
    node_names: Option<KeptNames<'a>>,
    failed_nodes: Empty,
    failed_and_unresolvable_nodes: RefusedNodes<'a>,
    error: &'static str,
}

/// `{}`.
#[derive(Serialize)]
struct Empty {}

/// Which of the offered nodes are in the answer.
#[derive(Clone, Copy)]
pub(super) enum Kept<'a> {
    /// All of them.
    All,
    /// Those marked; the others are refused or left out.
    Marked {
        kept: &'a [bool],
        refused: &'a [Option<Refusal>],
    },
}

impl Kept<'_> {
    fn keeps(&self, place: usize) -> bool {
        match self {
            Self::All => true,
            Self::Marked { kept, .. } => kept.get(place).copied().unwrap_or(false),
        }
    }

    fn refuses(&self, place: usize) -> bool {
        match self {
            Self::All => false,
            Self::Marked { refused, .. } => refused.get(place).is_some_and(Option::is_some),
        }
    }
}

struct KeptNames<'a>(&'a Offer<'a>, Kept<'a>);

impl Serialize for KeptNames<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for (_, name) in self.0.names().enumerate().filter(|(place, _)| self.1.keeps(*place)) {
            seq.serialize_element(name)?;
        }
        seq.end()
    }
}

#[derive(Serialize)]
struct KeptNodes<'a> {
    metadata: Empty,
    items: KeptItems<'a>,
}

struct KeptItems<'a>(&'a Offer<'a>, Kept<'a>);

impl Serialize for KeptItems<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for (_, node) in self.0.raw_nodes().enumerate().filter(|(place, _)| self.1.keeps(*place)) {
            seq.serialize_element(node)?;
        }
        seq.end()
    }
}

struct RefusedNodes<'a>(&'a Offer<'a>, Kept<'a>);

impl Serialize for RefusedNodes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (_, name) in self.0.names().enumerate().filter(|(place, _)| self.1.refuses(*place)) {
            map.serialize_entry(name, REFUSAL_TEXT)?;
        }
        map.end()
    }
}

/// The bytes of a filter answer.
pub(super) fn filter(offer: &Offer<'_>, kept: Kept<'_>) -> Option<Vec<u8>> {
    let as_nodes = offer.is_nodes();
    let answer = FilterResult {
        nodes: as_nodes.then_some(KeptNodes {
            metadata: Empty {},
            items: KeptItems(offer, kept),
        }),
        node_names: (!as_nodes).then_some(KeptNames(offer, kept)),
        failed_nodes: Empty {},
        failed_and_unresolvable_nodes: RefusedNodes(offer, kept),
        error: "",
    };
    bytes(&answer, offer.bytes_hint())
}

struct Scores<'a>(&'a Offer<'a>, &'a [u8]);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostPriority<'a> {
    host: &'a str,
    score: u8,
}

impl Serialize for Scores<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let scores = self.1.iter().copied().chain(std::iter::repeat(0));
        serializer.collect_seq(
            self.0
                .names()
                .zip(scores)
                .map(|(host, score)| HostPriority { host, score }),
        )
    }
}

/// The bytes of a prioritize answer: a bare array of integers. Hosts beyond the scores given get zero.
pub(super) fn prioritize(offer: &Offer<'_>, scores: &[u8]) -> Option<Vec<u8>> {
    bytes(&Scores(offer, scores), offer.bytes_hint() + 24 * offer.len())
}

/// Victims by node name.
pub(super) type VictimMap<'a> = BTreeMap<std::borrow::Cow<'a, str>, Victims<MetaVictim>>;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PreemptionResult<'a> {
    node_name_to_meta_victims: MetaVictims<'a>,
}

struct MetaVictims<'a>(&'a VictimMap<'a>, Kept<'a>);

#[derive(Serialize)]
struct MetaVictimsOut<'a> {
    #[serde(rename = "Pods")]
    pods: Vec<MetaPod<'a>>,
    #[serde(rename = "NumPDBViolations")]
    pdb_violations: i64,
}

#[derive(Serialize)]
struct MetaPod<'a> {
    #[serde(rename = "UID")]
    uid: &'a str,
}

impl Serialize for MetaVictims<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (_, (name, victims)) in self.0.iter().enumerate().filter(|(place, _)| self.1.keeps(*place)) {
            let pods = victims
                .pods
                .iter()
                .flatten()
                .map(|victim| MetaPod { uid: &victim.uid })
                .collect();
            map.serialize_entry(
                name,
                &MetaVictimsOut {
                    pods,
                    pdb_violations: victims.pdb_violations,
                },
            )?;
        }
        map.end()
    }
}

/// The bytes of a preempt answer: always in the Meta form; a node that must not be emptied is left out.
pub(super) fn preempt(victims: &VictimMap<'_>, kept: Kept<'_>) -> Option<Vec<u8>> {
    bytes(
        &PreemptionResult {
            node_name_to_meta_victims: MetaVictims(victims, kept),
        },
        4096,
    )
}

fn bytes(answer: &impl Serialize, hint: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(hint);
    serde_json::to_writer(&mut out, answer).ok().map(|()| out)
}
