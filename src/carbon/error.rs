use crate::outbound::{OutboundError, RetryAfter};
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
            Self::Budget { .. } => "budget",
            Self::NoData => "no-data",
            Self::Elsewhere => "elsewhere",
            Self::Address => "shape",
            Self::File { .. } | Self::Basis { .. } => "file",
        }
    }

    /// When the provider wants to be asked again, if it said so.
    pub(super) fn retry_after(&self) -> Option<RetryAfter> {
        match self {
            Self::Outbound(error) => error.retry_after(),
            _ => None,
        }
    }
}
