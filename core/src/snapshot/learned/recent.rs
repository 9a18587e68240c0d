use crate::workload::OwnerKey;
use jiff::Timestamp;
use std::collections::HashMap;

/// How many owners are remembered. A cluster with more of them than that forgets those not seen for longest.
pub(super) const MAX_OWNERS: usize = 2048;

/// Something of each owner, of those seen last.
#[derive(Debug, Clone)]
pub(super) struct Recent<T> {
    rows: HashMap<OwnerKey, (Timestamp, T)>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { rows: HashMap::new() }
    }
}

impl<T: Default> Recent<T> {
    pub(super) fn get(&self, owner: &OwnerKey) -> Option<&T> {
        self.rows.get(owner).map(|(_, row)| row)
    }

    /// The row of an owner that is seen now; a new one where there is none.
    pub(super) fn touch(&mut self, owner: &OwnerKey, now: Timestamp) -> &mut T {
        if !self.rows.contains_key(owner) {
            self.make_room();
        }
        let (seen, row) = self.rows.entry(owner.clone()).or_insert_with(|| (now, T::default()));
        *seen = now.max(*seen);
        row
    }

    /// Forgets the eighth that was not seen for longest, so that this is rare.
    fn make_room(&mut self) {
        if self.rows.len() < MAX_OWNERS {
            return;
        }
        let mut oldest: Vec<(Timestamp, &OwnerKey)> =
            self.rows.iter().map(|(owner, (seen, _))| (*seen, owner)).collect();
        oldest.sort_unstable();
        oldest.truncate(MAX_OWNERS / 8);
        let forgotten: Vec<OwnerKey> = oldest.into_iter().map(|(_, owner)| owner.clone()).collect();
        for owner in &forgotten {
            self.rows.remove(owner);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&OwnerKey, Timestamp, &T)> {
        self.rows.iter().map(|(owner, (seen, row))| (owner, *seen, row))
    }

    /// Takes back what was kept.
    pub(super) fn restore(&mut self, owner: OwnerKey, seen: Timestamp, row: T) {
        self.make_room();
        self.rows.insert(owner, (seen, row));
    }
}
