use jiff::Timestamp;
use std::time::Duration;

/// The longest wait that is believed: a header that asks for more would silence a source for good.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// When a server wants to be asked again: its `Retry-After` header (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After a time.
    In(Duration),
    /// At a moment.
    At(Timestamp),
}

impl RetryAfter {
    /// Reads the header: whole seconds, or a date. Anything else says nothing.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let header = header.trim();
        if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::In(Duration::from_secs(header.parse().unwrap_or(u64::MAX))));
        }
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(header).ok()?;
        Some(Self::At(date))
    }

    /// How long to wait from now on; at most a day.
    #[must_use]
    pub fn wait(self, now: Timestamp) -> Duration {
        let wait = match self {
            Self::In(wait) => wait,
            Self::At(at) => Duration::try_from(at.duration_since(now)).unwrap_or_default(),
        };
        wait.min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_bounded() {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        let wait = |header: &str| RetryAfter::parse(header).map(|after| after.wait(now));
        assert_eq!(wait(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(
            wait("Sun, 06 Nov 1994 08:00:00 GMT"),
            Some(Duration::ZERO),
            "in the past"
        );
        for endless in ["99999999999999999999999", "Sat, 06 Nov 2094 08:49:37 GMT"] {
            assert_eq!(wait(endless), Some(LONGEST), "{endless}");
        }
        for nothing in ["", "-1", "1.5", "soon"] {
            assert_eq!(wait(nothing), None, "{nothing:?}");
        }
    }
}
