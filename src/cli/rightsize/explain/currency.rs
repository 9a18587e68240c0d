use crate::cli::rightsize::place::Place;
use crate::cli::text::time;
use crate::cluster::ObjectError;
use crate::crds::Rightsizer;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// How far the clocks of this machine and of the controller may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What is known of the controllers' lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lease {
    /// The Rightsizer is from a file.
    NotAsked,
    /// It could not be read.
    Unknown(String),
    /// Nobody holds it.
    Free(String),
    /// Somebody holds it, or held it last.
    Held {
        place: String,
        holder: String,
        renewed: Timestamp,
        duration: SignedDuration,
    },
}

impl Lease {
    pub(super) fn of(read: Result<Value, ObjectError>, place: &Place) -> Self {
        let place = format!("{}/{}", place.namespace, place.name);
        let lease = match read {
            Ok(lease) => lease,
            Err(ObjectError::NotThere { .. }) => return Self::Free(place),
            Err(other) => return Self::Unknown(format!("Lease {place}: {other}")),
        };
        let spec = |key: &str| lease.get("spec")?.get(key);
        let holder = spec("holderIdentity").and_then(Value::as_str);
        let holder = holder.filter(|holder| !holder.is_empty());
        let renewed = spec("renewTime").and_then(Value::as_str);
        let renewed = renewed.and_then(|time| time.parse().ok());
        match holder.zip(renewed) {
            None => Self::Free(place),
            Some((holder, renewed)) => Self::Held {
                place,
                holder: holder.to_owned(),
                renewed,
                duration: SignedDuration::from_secs(
                    spec("leaseDurationSeconds").and_then(Value::as_i64).unwrap_or(0),
                ),
            },
        }
    }
}

/// Whether the status is of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Currency {
    /// Whether nothing says that it is not.
    pub(super) current: bool,
    /// What says so.
    pub(super) why_not: Vec<String>,
    /// What is not known of it.
    pub(super) unknown: Option<String>,
    /// Who holds the lease.
    pub(super) holder: Option<String>,
}

pub(super) fn currency(one: &Rightsizer, lease: &Lease, now: Timestamp) -> Currency {
    let mut why_not = Vec::new();
    let (mut unknown, mut holder) = (None, None);
    let seen = one.status.as_ref().and_then(|status| status.observed_generation);
    match (seen, one.metadata.generation) {
        (None, _) => why_not.push("no controller has looked at it yet".to_owned()),
        (Some(seen), Some(last)) if seen < last => {
            why_not.push(format!(
                "the spec has changed since: the status is of generation {seen}, and this is {last}"
            ));
        }
        _ => {}
    }
    match lease {
        Lease::NotAsked => unknown = Some("whether a controller runs: it was read from a file".to_owned()),
        Lease::Unknown(why) => unknown = Some(format!("whether a controller runs: {why}")),
        Lease::Free(place) => why_not.push(format!("no controller runs: nobody holds the Lease {place}")),
        Lease::Held {
            place,
            holder: who,
            renewed,
            duration,
        } => {
            let silent = now.duration_since(*renewed);
            if silent > *duration + SKEW {
                let ago = time(silent.as_secs_f64());
                why_not.push(format!("no controller runs: {who} renewed the Lease {place} {ago} ago"));
            } else {
                holder = Some(who.clone());
            }
        }
    }
    Currency {
        current: why_not.is_empty(),
        why_not,
        unknown,
        holder,
    }
}
