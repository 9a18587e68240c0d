use super::entry::Entry;
use super::files::Files;
use super::line::{Line, VERSION};
use super::told::Told;
use crate::telemetry::{Clock, Metrics};
use crate::world::settings::DecisionSettings;
use std::io;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// What is written reaches the disk within this time: a crash loses no more.
const FLUSH: Duration = Duration::from_secs(1);
/// After a failure the disk is left alone for this long.
const PAUSE: Duration = Duration::from_secs(10);
/// Entries that may wait. Each holds the snapshot that it was decided on, so a stuck disk must not hold many.
const WAITING: usize = 128;

/// Where decisions are told.
#[derive(Debug, Clone)]
pub struct JournalSender {
    entries: mpsc::Sender<Entry>,
    metrics: Metrics,
}

impl JournalSender {
    /// Tells; never waits.
    pub(in crate::world) fn tell(&self, entry: Entry) {
        if self.entries.try_send(entry).is_err() {
            self.metrics.logged("dropped", 1);
        }
    }
}

/// The one that writes decisions to the disk.
pub struct Journal {
    entries: mpsc::Receiver<Entry>,
    files: Files,
    told: Told,
    clock: Clock,
    metrics: Metrics,
    /// Decisions known to be missing that were noted in a file.
    noted: u64,
    flushed: Instant,
    /// Nothing is tried before this.
    paused: Option<Instant>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// A log and where to tell it; `None` where the settings name no folder.
    #[must_use]
    pub fn new(settings: &DecisionSettings, clock: Clock, metrics: Metrics) -> Option<(JournalSender, Self)> {
        let dir = settings.dir.clone()?;
        let (sender, entries) = mpsc::channel(WAITING);
        let told = JournalSender {
            entries: sender,
            metrics: metrics.clone(),
        };
        let journal = Self {
            entries,
            files: Files::new(dir, settings.max_bytes, settings.max_files),
            told: Told::default(),
            clock,
            metrics,
            noted: 0,
            flushed: Instant::now(),
            paused: None,
        };
        Some((told, journal))
    }

    /// Writes what is told until nobody is left to tell. Blocks: it wants a thread of its own, which a slow disk may stop
    /// without stopping anything else.
    pub fn run(mut self) {
        let runtime = Handle::current();
        loop {
            let next = runtime.block_on(async { tokio::time::timeout(FLUSH, self.entries.recv()).await });
            match next {
                Ok(Some(entry)) => self.take(&entry),
                Ok(None) => break,
                Err(_) => {}
            }
            if self.flushed.elapsed() >= FLUSH {
                self.flushed = Instant::now();
                if let Err(error) = self.files.flush() {
                    self.failed(&error);
                }
            }
        }
        if let Err(error) = self.files.close() {
            self.failed(&error);
        }
    }

    fn take(&mut self, entry: &Entry) {
        if self.paused.is_some_and(|until| Instant::now() < until) {
            self.metrics.logged("failed", 1);
            return;
        }
        self.paused = None;
        match self.write(entry) {
            Ok(lines) => self.metrics.logged("written", lines),
            Err(error) => {
                self.metrics.logged("failed", 1);
                self.failed(&error);
            }
        }
    }

    /// What was told may not be on the disk: the next entry begins a new file, which tells everything anew.
    fn failed(&mut self, error: &io::Error) {
        tracing::error!(%error, "decision log cannot be written, the disk is left alone for {} s", PAUSE.as_secs());
        self.paused = Some(Instant::now() + PAUSE);
        // Already failing: there is nothing more to lose.
        drop(self.files.close());
    }

    fn write(&mut self, entry: &Entry) -> io::Result<u64> {
        let mut bytes = Vec::new();
        if self.files.needs_new() {
            let sequence = self.files.begin()?;
            self.told = Told::default();
            let first = Line::File {
                version: VERSION,
                heliotrope: env!("CARGO_PKG_VERSION").to_owned(),
                opened: (self.clock)(),
                sequence,
            };
            write_line(&mut bytes, &first)?;
            self.metrics.log_files(self.files.count());
        }
        let missing = self.metrics.decisions_missing();
        if missing > self.noted {
            let count = missing - self.noted;
            let at = (self.clock)();
            write_line(&mut bytes, &Line::Dropped { count, at })?;
            self.noted = missing;
        }
        let lines = entry.lines(&mut self.told)?;
        for line in &lines {
            write_line(&mut bytes, line)?;
        }
        self.metrics.log_bytes(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.files.write(&bytes)?;
        Ok(u64::try_from(lines.len()).unwrap_or(u64::MAX))
    }
}

fn write_line(bytes: &mut Vec<u8>, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *bytes, line)?;
    bytes.push(b'\n');
    Ok(())
}
