use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use std::time::Duration;
use tokio::time::Instant;

/// What is waited for at most, whatever a record says: a record that states a year would lock everybody out.
const LONGEST: Duration = Duration::from_secs(300);

/// Whether a lease can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has it, or whoever had it has said nothing for too long.
    Free,
    /// Somebody has it.
    Held,
}

/// Another's record, and since when it has been seen as it is.
#[derive(Debug, Default)]
pub(super) struct Observed {
    record: Option<(LeaseSpec, Instant)>,
}

impl Observed {
    /// Looks at a record as it was just read.
    pub(super) fn standing(&mut self, lease: &Lease, now: Instant) -> Standing {
        let Some(spec) = lease.spec.as_ref().filter(|_| holder(lease).is_some()) else {
            return Standing::Free;
        };
        let since = match &self.record {
            Some((seen, since)) if seen == spec => *since,
            _ => {
                self.record = Some((spec.clone(), now));
                now
            }
        };
        let stated = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        let patience = stated.map_or(LONGEST, Duration::from_secs).min(LONGEST);
        if now.duration_since(since) > patience {
            Standing::Free
        } else {
            Standing::Held
        }
    }
}

/// Who has it.
pub(super) fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref();
    holder.filter(|holder| !holder.is_empty())
}

/// A lease that nobody had before.
pub(super) fn fresh(name: &str, identity: &str, duration: Duration, now: Timestamp) -> Lease {
    let lease = Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
    };
    taken(lease, identity, duration, now)
}

/// The same with another holder.
pub(super) fn taken(mut lease: Lease, identity: &str, duration: Duration, now: Timestamp) -> Lease {
    let before = lease.spec.take();
    let transitions = before.map_or(0, |spec| spec.lease_transitions.unwrap_or(0).saturating_add(1));
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        lease_duration_seconds: Some(seconds(duration)),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    });
    lease
}

/// The same, a moment later.
pub(super) fn renewed(mut lease: Lease, duration: Duration, now: Timestamp) -> Lease {
    if let Some(spec) = &mut lease.spec {
        spec.renew_time = Some(MicroTime(now));
        spec.lease_duration_seconds = Some(seconds(duration));
    }
    lease
}

/// The same with no holder.
pub(super) fn released(mut lease: Lease, now: Timestamp) -> Lease {
    if let Some(spec) = &mut lease.spec {
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(now));
    }
    lease
}

/// Whole seconds, rounded up: others must not wait less than is meant.
fn seconds(duration: Duration) -> i32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_record_counts_as_long_as_it_is_seen_to_change_whatever_its_times_say() {
        let (mut observed, start) = (Observed::default(), Instant::now());
        // The other's clock is a year ahead; then a year behind.
        let mut lease = fresh("l", "other", 15 * SECOND, at(31_536_000));
        assert_eq!(observed.standing(&lease, start), Standing::Held);
        assert_eq!(observed.standing(&lease, start + 15 * SECOND), Standing::Held);
        lease = renewed(lease, 15 * SECOND, at(-31_536_000));
        assert_eq!(
            observed.standing(&lease, start + 16 * SECOND),
            Standing::Held,
            "it is there"
        );
        assert_eq!(observed.standing(&lease, start + 31 * SECOND), Standing::Held);
        assert_eq!(observed.standing(&lease, start + 32 * SECOND), Standing::Free);
    }

    #[test]
    fn what_was_given_back_is_free_at_once_and_one_that_says_no_duration_is_waited_for() {
        let (mut observed, start) = (Observed::default(), Instant::now());
        let lease = released(fresh("l", "other", 15 * SECOND, at(0)), at(1));
        assert_eq!(observed.standing(&lease, start), Standing::Free);
        assert_eq!(observed.standing(&Lease::default(), start), Standing::Free);
        let mut odd = fresh("l", "other", 15 * SECOND, at(0));
        for stated in [None, Some(-3), Some(i32::MAX)] {
            odd.spec.as_mut().unwrap().lease_duration_seconds = stated;
            let mut observed = Observed::default();
            assert_eq!(observed.standing(&odd, start), Standing::Held);
            assert_eq!(observed.standing(&odd, start + LONGEST), Standing::Held);
            assert_eq!(observed.standing(&odd, start + LONGEST + SECOND), Standing::Free);
        }
    }

    #[test]
    fn each_new_holder_is_counted() {
        let first = fresh("l", "a", 2 * SECOND + SECOND / 2, at(0));
        let spec = |lease: &Lease| lease.spec.clone().unwrap();
        assert_eq!(spec(&first).lease_transitions, Some(0));
        assert_eq!(spec(&first).lease_duration_seconds, Some(3));
        let second = taken(released(first, at(1)), "b", SECOND, at(2));
        assert_eq!(spec(&second).lease_transitions, Some(1));
        assert_eq!(
            (holder(&second), spec(&second).acquire_time),
            (Some("b"), Some(MicroTime(at(2))))
        );
    }
}
