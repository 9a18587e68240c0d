use smallvec::SmallVec;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A mark that devices of one physical board share: the hash of a UUID, a PCI address or a counter set.
pub(super) type Mark = u64;

/// A physical board, as far as one or more slices tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Board {
    /// By which it is known again.
    pub(super) marks: SmallVec<[Mark; 4]>,
    /// What it calls itself.
    pub(super) product: Option<Arc<str>>,
    /// The one node that it is on; `None` where several nodes, or none that is named, reach it.
    pub(super) node: Option<Arc<str>>,
}

/// Makes one board of all that share a mark, directly or through others. The result does not depend on the order but in
/// its own order.
pub(super) fn merge<'b>(found: impl Iterator<Item = &'b Board>) -> Vec<Board> {
    let mut boards: Vec<Option<Board>> = Vec::new();
    let mut known: HashMap<Mark, usize> = HashMap::new();
    for board in found {
        let mut joined = board.clone();
        // Whatever shares a mark with it becomes part of it.
        let mut met: Vec<usize> = board.marks.iter().filter_map(|mark| known.get(mark).copied()).collect();
        met.sort_unstable();
        met.dedup();
        for place in met {
            if let Some(other) = boards.get_mut(place).and_then(Option::take) {
                joined.marks.extend(other.marks);
                joined.product = smaller(joined.product, other.product);
                joined.node = smaller(joined.node, other.node);
            }
        }
        joined.marks.sort_unstable();
        joined.marks.dedup();
        known.extend(joined.marks.iter().map(|mark| (*mark, boards.len())));
        boards.push(Some(joined));
    }
    boards.into_iter().flatten().collect()
}

/// The smaller of two that are there: it must not matter which was met first.
fn smaller(a: Option<Arc<str>>, b: Option<Arc<str>>) -> Option<Arc<str>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What most boards call themselves; of equals, the first by name.
pub(super) fn product(boards: &[Board]) -> Option<Arc<str>> {
    let mut counts: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    for name in boards.iter().filter_map(|board| board.product.as_ref()) {
        *counts.entry(name).or_default() += 1;
    }
    // `max_by_key` takes the last of equals, hence from behind.
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map(|(name, _)| Arc::clone(name))
}
