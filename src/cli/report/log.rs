//! The report made from files of the decision log.

use crate::cli::failure::Failure;
use crate::telemetry::system_clock;
use crate::world::{LogReader, ReadError, Recount, RecountError, Recounted};
use heliotrope_core::accounting::Report;
use jiff::civil::Date;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

/// Reads every file twice; a file that cannot be read is told by its name, a line by its number.
pub(super) fn recounted(
    files: &[PathBuf],
    days: (Option<Date>, Option<Date>),
) -> Result<(Report, Recounted), Failure> {
    let mut recount = Recount::default();
    for path in files {
        recount
            .bindings(open(path)?)
            .map_err(|error| unreadable(path, &error))?;
    }
    for path in files {
        recount
            .decisions(open(path)?)
            .map_err(|error| unreadable(path, &error))?;
    }
    recount.report(days, system_clock()()).map_err(|error| match error {
        RecountError::Empty => Failure::Failed(error.into()),
        RecountError::Long(_) => Failure::Usage(error.to_string()),
    })
}

fn open(path: &Path) -> Result<LogReader<BufReader<File>>, Failure> {
    let unopened = |error| Failure::Usage(format!("{}: cannot be opened: {error}", path.display()));
    let file = File::open(path).map_err(unopened)?;
    LogReader::open(BufReader::new(file)).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &ReadError) -> Failure {
    Failure::Usage(format!("{}: {error}", path.display()))
}

/// What the files have, and what is missing in them.
pub(super) fn write(out: &mut dyn Write, of: &Recounted) -> io::Result<()> {
    writeln!(
        out,
        "\nFROM {} FILES OF THE DECISION LOG: {} filter calls, {} pods bound",
        of.files, of.calls, of.bound
    )?;
    let missing = [
        (
            of.undecided,
            "pods were weighed, and their decision is in none of these files: they have no price",
        ),
        (of.dropped, "decisions were dropped when they were made"),
        (of.torn, "files end in a line that broke off; what was in it is lost"),
        (
            of.different,
            "decisions come out otherwise than they were written, and count as they come out: `heliotrope replay` says how",
        ),
    ];
    for (count, what) in missing.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "  {count} {what}")?;
    }
    Ok(())
}
