//! Scores as kube-scheduler counts them.

/// `MaxNodeScore` of kube-scheduler: what one plugin gives at most.
pub(super) const MAX_NODE_SCORE: i64 = 100;

/// A score as the whole number that kube-scheduler cuts it to.
pub(super) fn points(score: f64) -> i64 {
    (0..=MAX_NODE_SCORE)
        .rev()
        .find(|whole| *whole as f64 <= score)
        .unwrap_or(0)
}
