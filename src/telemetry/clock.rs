use jiff::Timestamp;
use std::sync::Arc;

/// The time, as a function: tests and the demo bring their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The system's time.
#[must_use]
pub fn system_clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    let now = Timestamp::now;
    Arc::new(now)
}
