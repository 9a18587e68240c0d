//! The one writer: readings become snapshots.
//!
//! Owns the task that takes reports and events in ([`Writer`]), the current [`Snapshot`] behind an `ArcSwap`
//! ([`World`]), the answers that no snapshot shows yet ([`InFlight`]), what is still missing before answers mean anything
//! ([`Readiness`]), the bounded [`DecisionLog`], and the [`Book`] of what decisions were worth.
//!
//! ```text
//! carbon, power, cluster ─(channels)─► Writer ─► ArcSwap<Snapshot> ─► extender, admin (never wait)
//! extender ◄─(one short lock)─► InFlight ◄─ settled with each snapshot
//! extender ─(Record, try_send)───────► Writer ─► DecisionLog, Book ─► admin
//!                                          └(try_send)─► Journal ────► files ─► LogReader ─► replay, Recount
//! ```
//!
//! Must never be waited for by a reader, and must never call out.

mod account;
mod bindings;
mod decisions;
mod in_flight;
mod journal;
mod readiness;
mod record;
mod recount;
pub mod settings;
mod whynot;
mod writer;

pub use bindings::{BindOutcome, Strayed};
pub use decisions::{CandidateView, DecisionLog, DecisionView, DomainView, GroupView};
pub use in_flight::InFlight;
pub use journal::{
    Journal, JournalSender, LogHead, LogReader, LoggedAnswer, LoggedCall, LoggedCost, ReadError, Told,
};
pub use readiness::{Missing, Readiness};
pub use record::{Asked, Offered, PodId, Record, Stage, Weighed};
pub use recount::{Recount, RecountError, Recounted};
pub use whynot::{Narrowing, Reason, Unknown, WhyNot};
pub use writer::{Inbox, Senders, Writer, channels};

use arc_swap::ArcSwap;
use heliotrope_core::accounting::Book;
use heliotrope_core::snapshot::Snapshot;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What readers see of the world.
#[derive(Debug)]
pub struct World {
    snapshot: ArcSwap<Snapshot>,
    readiness: ArcSwap<Readiness>,
    decisions: Mutex<DecisionLog>,
    in_flight: Mutex<InFlight>,
    book: Mutex<Book>,
    /// Whether the log on the disk wants to know what answers depended on.
    journalled: AtomicBool,
}

impl World {
    /// A world of which nothing is known yet.
    #[must_use]
    pub fn new(first: Snapshot) -> Self {
        Self {
            book: Mutex::new(Book::new(first.taken_at)),
            snapshot: ArcSwap::from_pointee(first),
            readiness: ArcSwap::default(),
            decisions: Mutex::new(DecisionLog::default()),
            in_flight: Mutex::new(InFlight::none()),
            journalled: AtomicBool::new(false),
        }
    }

    /// The current snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Whether decisions are written down with all that they depended on.
    #[must_use]
    pub fn is_journalled(&self) -> bool {
        self.journalled.load(Ordering::Relaxed)
    }

    /// What is still missing.
    #[must_use]
    pub fn readiness(&self) -> Arc<Readiness> {
        self.readiness.load_full()
    }

    /// What was answered and is not seen bound yet. Locked by a request of the scheduler while it decides, by the writer while
    /// it puts a snapshot in place, and by the admin listener for a page. Who reads snapshot and promises together takes
    /// this lock first: a snapshot that counts a pod and the end of its promise are put in place under it.
    pub fn in_flight(&self) -> MutexGuard<'_, InFlight> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The decision log. Locked by the writer for each record and by the admin listener for each question, never by a
    /// request of the scheduler.
    pub fn decisions(&self) -> MutexGuard<'_, DecisionLog> {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What decisions were worth, summed over more of them than the log remembers. Locked like the log.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
