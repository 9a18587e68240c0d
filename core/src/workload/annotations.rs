use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything a tenant can say to Heliotrope is under this prefix.
pub const ANNOTATION_PREFIX: &str = "heliotrope.dev/";

/// A longer value is not read.
pub const MAX_ANNOTATION_BYTES: usize = 256;

/// The annotations of one pod that concern Heliotrope: key without the prefix → value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotations(Vec<(Arc<str>, Arc<str>)>);

impl Annotations {
    /// Keeps what has the prefix and is short enough to be meant; the rest costs no memory.
    pub fn keep<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let ours = all.filter_map(|(key, value)| Some((key.strip_prefix(ANNOTATION_PREFIX)?, value)));
        let short =
            ours.filter(|(key, value)| key.len() <= MAX_ANNOTATION_BYTES && value.len() <= MAX_ANNOTATION_BYTES);
        Self(
            short
                .take(16)
                .map(|(key, value)| (Arc::from(key), Arc::from(value)))
                .collect(),
        )
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(k, _)| k.as_ref() == key)
            .map(|(_, value)| value.as_ref())
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }
}

/// Why an annotation was not followed. The tenant's value is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// The duration is not one.
    #[error("heliotrope.dev/duration is not a duration such as 90m; ignored")]
    UnreadableDuration,
    /// The duration was cut to the bounds.
    #[error("heliotrope.dev/duration is outside what the administrator allows; cut to the bound")]
    BoundedDuration,
    /// The utilisation is not a ratio.
    #[error("heliotrope.dev/utilisation is not a number from 0 to 1; ignored")]
    UnreadableUtilisation,
    /// A zone list has a name that cannot be a zone.
    #[error("heliotrope.dev/zones or heliotrope.dev/deny-zones has a name that cannot be a zone; ignored")]
    UnreadableZones,
    /// The mode is not one.
    #[error("heliotrope.dev/mode is not one of off, shadow, prefer, strict; ignored")]
    UnreadableMode,
    /// The mode is not allowed here.
    #[error("heliotrope.dev/mode is not allowed by the administrator for this namespace; ignored")]
    ForbiddenMode,
    /// The zones leave nothing that the administrator allows.
    #[error("heliotrope.dev/zones leaves no zone that the administrator allows; ignored")]
    NoZoneLeft,
    /// The group's name or size is not one.
    #[error(
        "heliotrope.dev/group is not a name, or heliotrope.dev/group-size is not a number from 1 to 100000; ignored"
    )]
    UnreadableGroup,
    /// A key that is not known.
    #[error("an annotation under heliotrope.dev/ is not known; ignored")]
    UnknownKey,
}
