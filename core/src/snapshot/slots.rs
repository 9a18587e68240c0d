use crate::gpu::{GpuMilli, GpuSharing, GpuUnit, WHOLE_GPU};
use crate::workload::GpuAsk;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What is free on each physical board of a node, in thousandths.
///
/// The API server does not say which board a pod was given, so boards are filled in a fixed order: whole boards first,
/// shares best-fit. What an ask is of a board is the node's to say. Inline up to 16 boards: copying a node allocates
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GpuSlots {
    free: SmallVec<[u16; 16]>,
    sharing: GpuSharing,
}

/// Boards counted of one node. A node says of itself how many it has, and no machine has more.
const MAX_BOARDS: u32 = 1024;

impl GpuSlots {
    /// Boards with nothing on them, 1,024 at most, handed out whole.
    #[must_use]
    pub fn empty(boards: u32) -> Self {
        Self::shared(boards, GpuSharing::default())
    }

    /// Boards with nothing on them, handed out as the node does.
    #[must_use]
    pub fn shared(boards: u32, sharing: GpuSharing) -> Self {
        let full = u16::try_from(WHOLE_GPU).unwrap_or(u16::MAX);
        Self {
            free: (0..boards.min(MAX_BOARDS)).map(|_| full).collect(),
            sharing,
        }
    }

    /// The same boards with nothing on them.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self::shared(u32::try_from(self.boards()).unwrap_or(u32::MAX), self.sharing)
    }

    /// Boards that an ask is here, in shares of them: 0.25 for one of four time slices.
    #[must_use]
    pub fn share(&self, ask: GpuAsk) -> f64 {
        self.sharing.share(ask.resource) * f64::from(ask.units)
    }

    /// The most boards that an ask can use by itself: those of its units together, while whoever shares them does nothing.
    #[must_use]
    pub fn reach(&self, ask: GpuAsk) -> f64 {
        let share = self.share(ask);
        let units = match ask.resource.unit {
            // Of one board, as long as it has so much.
            GpuUnit::MemoryGib => share.ceil(),
            _ => self.sharing.reach(ask.resource) * f64::from(ask.units),
        };
        if units > share {
            units.min(share.max(self.boards() as f64))
        } else {
            share
        }
    }

    /// Number of boards.
    #[must_use]
    pub fn boards(&self) -> usize {
        self.free.len()
    }

    /// Everything free.
    #[must_use]
    pub fn free_milli(&self) -> GpuMilli {
        self.free.iter().map(|free| u32::from(*free)).sum()
    }

    /// Boards with nothing on them.
    #[must_use]
    pub fn whole_free(&self) -> u32 {
        u32::try_from(self.free.iter().filter(|free| u32::from(**free) == WHOLE_GPU).count()).unwrap_or(u32::MAX)
    }

    /// What a class of ask cannot use of what is free: all of it when the class does not fit, else the remainders.
    #[must_use]
    pub fn unusable_milli(&self, ask: GpuAsk) -> GpuMilli {
        let unit = self.sharing.milli(ask.resource);
        let usable_units: u32 = self.free.iter().map(|free| u32::from(*free) / unit).sum();
        if usable_units < ask.units {
            self.free_milli()
        } else {
            self.free_milli() - usable_units * unit
        }
    }

    /// How often an ask fits into what is free.
    #[must_use]
    pub fn fits(&self, ask: GpuAsk) -> u32 {
        let unit = self.sharing.milli(ask.resource);
        let units: u32 = self.free.iter().map(|free| u32::from(*free) / unit).sum();
        units / ask.units.max(1)
    }

    /// Takes boards for an ask. What does not fit is taken as far as it goes: the scheduler, not we, decided that it
    /// fits. A pod may ask for billions of units; no more are counted than there is room for.
    pub fn take(&mut self, ask: GpuAsk) {
        let unit = self.sharing.milli(ask.resource);
        for _ in 0..ask.units {
            let best = self
                .free
                .iter_mut()
                .filter(|free| u32::from(**free) >= unit)
                .min_by_key(|free| **free);
            let Some(free) = best else { break };
            *free = free.saturating_sub(u16::try_from(unit).unwrap_or(u16::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::GpuResource;

    fn ask(units: u32, milli_per_unit: u32) -> GpuAsk {
        GpuAsk {
            resource: GpuResource {
                milli_per_unit,
                ..GpuResource::NVIDIA
            },
            units,
        }
    }

    #[test]
    fn shares_fill_a_board_before_the_next_one() {
        let mut slots = GpuSlots::empty(2);
        slots.take(ask(1, 428));
        slots.take(ask(1, 428));
        assert_eq!((slots.whole_free(), slots.free_milli()), (1, 1144));
        slots.take(ask(1, 1000));
        assert_eq!(slots.whole_free(), 0);
    }

    #[test]
    fn a_replica_takes_its_share_of_a_board() {
        let sharing = GpuSharing {
            replicas: 4,
            ..GpuSharing::default()
        };
        let mut slots = GpuSlots::shared(2, sharing);
        slots.take(ask(3, 1000));
        assert_eq!((slots.whole_free(), slots.free_milli()), (1, 1250));
        assert!((slots.share(ask(3, 1000)) - 0.75).abs() < 1e-12);
        assert_eq!(slots.unusable_milli(ask(1, 1000)), 0);
        assert_eq!(slots.emptied().free_milli(), 2000);
        assert_eq!(slots.emptied().unusable_milli(ask(8, 1000)), 0, "still four a board");
    }

    #[test]
    fn a_replica_can_use_its_board_alone_and_no_ask_more_boards_than_there_are() {
        let sharing = GpuSharing {
            replicas: 4,
            ..GpuSharing::default()
        };
        let slots = GpuSlots::shared(2, sharing);
        for (units, boards) in [(1, 1.0), (2, 2.0), (3, 2.0), (8, 2.0)] {
            assert!(
                (slots.reach(ask(units, 1000)) - boards).abs() < 1e-12,
                "{units} replicas"
            );
        }
        let whole = GpuSlots::empty(2);
        assert!((whole.reach(ask(2, 1000)) - 2.0).abs() < 1e-12);
        let memory = GpuAsk {
            resource: GpuResource::parse("aliyun.com/gpu-mem").unwrap(),
            units: 8,
        };
        assert!((whole.reach(memory) - 1.0).abs() < 1e-12, "8 GiB are of one board");
    }

    #[test]
    fn an_absurd_ask_or_node_costs_no_time_and_no_memory() {
        let mut slots = GpuSlots::empty(u32::MAX);
        assert_eq!(slots.boards(), 1024);
        slots.take(ask(u32::MAX, 1000));
        assert_eq!(slots.free_milli(), 0);
        let mut slots = GpuSlots::empty(1);
        slots.take(ask(u32::MAX, 0));
        slots.take(ask(u32::MAX, u32::MAX));
        assert_eq!(slots.free_milli(), 0);
    }

    #[test]
    fn what_a_class_cannot_use() {
        let mut slots = GpuSlots::empty(2);
        slots.take(ask(1, 428));
        assert_eq!(
            slots.unusable_milli(ask(1, 1000)),
            572,
            "the remainder of the shared board"
        );
        assert_eq!(
            slots.unusable_milli(ask(2, 1000)),
            1572,
            "two whole boards are not there"
        );
    }
}
