use std::collections::VecDeque;

/// Requests that wait, first come first served. None gives up.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    /// When they came, and how many of that second are left.
    waiting: VecDeque<(i64, f64)>,
}

/// What was served in a second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Served {
    pub(super) all: f64,
    /// Of these, after a wait of more than the limit.
    pub(super) late: f64,
}

impl Queue {
    /// A second in which so many came and so many could be served.
    pub(super) fn second(&mut self, now: i64, came: f64, room: f64, limit: i64) -> Served {
        if came > 0.0 {
            self.waiting.push_back((now, came));
        }
        let mut served = Served::default();
        let mut room = room;
        while room > 0.0
            && let Some((since, left)) = self.waiting.front_mut()
        {
            let taken = left.min(room);
            served.all += taken;
            if now - *since > limit {
                served.late += taken;
            }
            *left -= taken;
            room -= taken;
            if *left <= 0.0 {
                self.waiting.pop_front();
            }
        }
        served
    }

    /// How long the oldest has been waiting.
    pub(super) fn age(&self, now: i64) -> i64 {
        self.waiting.front().map_or(0, |(since, _)| now - since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_come_is_the_first_served() {
        let mut queue = Queue::default();
        assert!((queue.second(0, 10.0, 4.0, 1).all - 4.0).abs() < 1e-9);
        assert_eq!(queue.age(1), 1);
        queue.second(1, 0.0, 0.0, 1);
        let served = queue.second(2, 3.0, 8.0, 1);
        assert!(
            (served.all - 8.0).abs() < 1e-9 && (served.late - 6.0).abs() < 1e-9,
            "{served:?}"
        );
        assert_eq!(queue.age(3), 1);
        queue.second(3, 0.0, 8.0, 1);
        assert_eq!(queue.age(9), 0);
    }
}
