use std::collections::VecDeque;

/// Replicas that start cold.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    ready: i32,
    /// When each of those that start is ready, in order.
    starting: VecDeque<i64>,
    cold_start: i64,
}

impl Pool {
    pub(super) fn new(ready: i32, cold_start: i64) -> Self {
        Self {
            ready,
            starting: VecDeque::new(),
            cold_start,
        }
    }

    /// Those that serve.
    pub(super) fn ready(&self) -> i32 {
        self.ready
    }

    /// All of them.
    pub(super) fn total(&self) -> i32 {
        self.ready
            .saturating_add(i32::try_from(self.starting.len()).unwrap_or(i32::MAX))
    }

    /// What has started by now is ready.
    pub(super) fn tick(&mut self, now: i64) {
        while self.starting.front().is_some_and(|at| *at <= now) {
            self.starting.pop_front();
            self.ready += 1;
        }
    }

    /// Starts or stops replicas. Those that are not ready yet go first, the youngest of them first, as a ReplicaSet does.
    pub(super) fn scale(&mut self, to: i32, now: i64) {
        for _ in self.total()..to {
            self.starting.push_back(now + self.cold_start);
        }
        for _ in to..self.total() {
            if self.starting.pop_back().is_none() {
                self.ready -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_start_cold_and_the_youngest_goes_first() {
        let mut pool = Pool::new(2, 60);
        pool.scale(4, 0);
        pool.scale(5, 30);
        let mut seen = Vec::new();
        for now in [59, 60, 89] {
            pool.tick(now);
            seen.push((pool.ready(), pool.total()));
        }
        assert_eq!(seen, [(2, 5), (4, 5), (4, 5)]);
        pool.scale(3, 89);
        pool.tick(200);
        assert_eq!((pool.ready(), pool.total()), (3, 3));
    }
}
