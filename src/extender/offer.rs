use super::wire::{Args, Name, NodeList};
use crate::cluster::{Labels, LeanNode};
use crate::world::Offered;
use heliotrope_core::snapshot::{NodeFacts, NodeIx, NodeState, Snapshot};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Unknown names kept for explanations: a few, while the watch is behind.
const MAX_UNKNOWN: usize = 100;

/// The nodes of a request, in the form in which they came.
#[derive(Debug)]
pub(super) enum Offer<'a> {
    /// `nodeCacheCapable: true`: names.
    Names(Vec<Name<'a>>),
    /// `nodeCacheCapable: false`: whole nodes. The cluster autoscaler asks in this form about nodes that do not exist.
    Nodes {
        /// As they came, to be sent back.
        raw: Vec<&'a RawValue>,
        /// What they say of themselves.
        facts: Vec<NodeFacts>,
    },
}

/// Why a request has no nodes that can be judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum OfferError {
    #[error("request has neither Nodes nor NodeNames")]
    Neither,
    #[error("Nodes.items[{0}] is not a Node with a name")]
    Node(usize),
}

impl<'a> Offer<'a> {
    pub(super) fn new(
        node_names: Option<Vec<Name<'a>>>,
        nodes: Option<NodeList<'a>>,
        labels: &Labels,
    ) -> Result<Self, OfferError> {
        if let Some(names) = node_names {
            return Ok(Self::Names(names));
        }
        // Go writes a list without items as `null`.
        let raw = nodes.ok_or(OfferError::Neither)?.items.unwrap_or_default();
        let facts = raw.iter().enumerate().map(|(place, raw)| {
            let node: Option<LeanNode> = serde_json::from_str(raw.get()).ok();
            node.and_then(|node| node.facts(labels)).ok_or(OfferError::Node(place))
        });
        let facts = facts.collect::<Result<_, _>>()?;
        Ok(Self::Nodes { raw, facts })
    }

    /// Takes the nodes out of a request.
    pub(super) fn of(args: &mut Args<'a>, labels: &Labels) -> Result<Self, OfferError> {
        Self::new(args.node_names.take(), args.nodes.take(), labels)
    }

    pub(super) fn is_nodes(&self) -> bool {
        matches!(self, Self::Nodes { .. })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Names(names) => names.len(),
            Self::Nodes { raw, .. } => raw.len(),
        }
    }

    /// The names, in the order of the request.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let (names, facts) = match self {
            Self::Names(names) => (names.as_slice(), [].as_slice()),
            Self::Nodes { facts, .. } => ([].as_slice(), facts.as_slice()),
        };
        names
            .iter()
            .map(|name| name.0.as_ref())
            .chain(facts.iter().map(|facts| facts.name.as_ref()))
    }

    pub(super) fn raw_nodes(&self) -> impl Iterator<Item = &'a RawValue> {
        let raw = match self {
            Self::Names(_) => [].as_slice(),
            Self::Nodes { raw, .. } => raw.as_slice(),
        };
        raw.iter().copied()
    }

    /// Bytes that the answer will take at most, about.
    pub(super) fn bytes_hint(&self) -> usize {
        let names: usize = self.names().map(|name| name.len() + 3).sum();
        let raw: usize = self.raw_nodes().map(|raw| raw.get().len() + 1).sum();
        names + raw + 256
    }

    /// The nodes as they stand in the snapshot.
    pub(super) fn offered(&self, snapshot: &Snapshot) -> Offered {
        let places: Vec<Option<NodeIx>> = self.names().map(|name| snapshot.find(name)).collect();
        let templates = self.templates(snapshot, &places);
        let meaningless =
            |place: usize, ix: Option<NodeIx>| ix.is_none() && !templates.get(place).is_some_and(Option::is_some);
        let unknown = self.names().zip(&places).enumerate();
        let unknown = unknown.filter(|(place, (_, ix))| meaningless(*place, **ix));
        Offered {
            unknown: unknown
                .take(MAX_UNKNOWN)
                .map(|(_, (name, _))| Arc::from(name))
                .collect(),
            places,
            templates,
        }
    }

    /// Nodes that came whole and that no watch has told of, as they would stand in the snapshot.
    fn templates(&self, snapshot: &Snapshot, places: &[Option<NodeIx>]) -> Vec<Option<NodeState>> {
        match self {
            Self::Names(_) => Vec::new(),
            Self::Nodes { facts, .. } => facts
                .iter()
                .zip(places)
                .map(|(facts, place)| place.is_none().then(|| snapshot.template(facts)))
                .collect(),
        }
    }
}
