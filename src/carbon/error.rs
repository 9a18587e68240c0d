use crate::outbound::{OutboundError, RetryAfter, SecretError};
use heliotrope_core::grid::Basis;

/// Why a provider said nothing.
#[derive(Debug, thiserror::Error)]
pub enum CarbonError {
    /// It could not be asked, or did not answer.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// It has been asked as often as `callsPerHour` allows.
    #[error("its {limit} calls of the hour are spent: raise callsPerHour, or interval")]
    Budget {
        /// Calls allowed in an hour.
        limit: u32,
    },
    /// Its answer holds no value.
    #[error("answer holds no value")]
    NoData,
    /// Its answer is about another place than the one asked about.
    #[error("answer is about another region than asked")]
    Elsewhere,
    /// The key cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It does not know the key.
    #[error("{host} does not take the key: look at the key file; a new key can take a while to be known")]
    Key {
        /// The host.
        host: String,
    },
    /// The key may not read this.
    #[error("{host} does not let this key read it: it is not part of the plan")]
    Denied {
        /// The host.
        host: String,
    },
    /// Its gateway has no such route.
    #[error("{host} has no such route: look at url and version")]
    Route {
        /// The host.
        host: String,
    },
    /// It was asked to log in as often as it allows.
    #[error("its {limit} logins of {minutes} minutes are spent: it refuses every new token")]
    Logins {
        /// Logins allowed in the period.
        limit: u32,
        /// The period.
        minutes: u64,
    },
    /// Its figures are in a unit that ranks nothing, or in another than documented.
    #[error("answer has its figures in another unit than {expected}")]
    Unit {
        /// The unit documented.
        expected: &'static str,
    },
    /// Its address cannot be made.
    #[error("address cannot be made from url")]
    Address,
    /// The file is wrong.
    #[error("file {what} (line {line})")]
    File {
        /// Line, 1 for the first; 0 for the file as a whole.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The file says of itself that its figures are of another basis than the settings say.
    #[error("file says that its figures are not {}, as basis has it (line {line})", name(*.basis))]
    Basis {
        /// Line, 1 for the first.
        line: usize,
        /// What the settings say.
        basis: Basis,
    },
}

fn name(basis: Basis) -> &'static str {
    match basis {
        Basis::Lifecycle => "lifecycle",
        Basis::Direct => "direct",
    }
}

impl CarbonError {
    /// The name used in metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbound(error) => error.kind(),
            Self::Budget { .. } | Self::Logins { .. } => "budget",
            Self::NoData => "no-data",
            Self::Elsewhere => "elsewhere",
            Self::Secret(_) | Self::Key { .. } => "key",
            Self::Denied { .. } => "denied",
            Self::Unit { .. } => "unit",
            Self::Address | Self::Route { .. } => "shape",
            Self::File { .. } | Self::Basis { .. } => "file",
        }
    }

    /// Whether the provider has had enough of calls for now, whatever is asked.
    pub(super) fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Outbound(OutboundError::Status { status: 429, .. }))
    }

    /// When the provider wants to be asked again, if it said so.
    pub(super) fn retry_after(&self) -> Option<RetryAfter> {
        match self {
            Self::Outbound(error) => error.retry_after(),
            _ => None,
        }
    }
}
