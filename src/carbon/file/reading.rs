//! A file as one text of one moment.

use crate::carbon::error::CarbonError;
use jiff::Timestamp;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A larger file is refused: it would take longer to read than the interval.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Modification time: when its figures were written, as far as anybody can say.
    pub(super) modified: Timestamp,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            modified: Timestamp::try_from(metadata.modified()?).unwrap_or(Timestamp::MIN),
            bytes: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

/// What is wrong with the file as a whole.
pub(super) fn whole(what: &'static str) -> CarbonError {
    CarbonError::File { line: 0, what }
}

fn unreadable(error: &io::Error) -> CarbonError {
    whole(match error.kind() {
        io::ErrorKind::NotFound => "is not there",
        io::ErrorKind::PermissionDenied => "may not be read",
        io::ErrorKind::InvalidData => "is not UTF-8",
        _ => "cannot be read",
    })
}

/// The state of a file.
pub(super) fn stamp(path: &Path) -> Result<Stamp, CarbonError> {
    let stamp = std::fs::metadata(path).and_then(|metadata| Stamp::of(&metadata));
    stamp.map_err(|error| unreadable(&error))
}

/// The text of a file, if it was the same file before and after. `meanwhile` runs in between.
pub(super) fn text(path: &Path, meanwhile: impl FnOnce()) -> Result<(Stamp, String), CarbonError> {
    let before = stamp(path)?;
    if before.bytes > MAX_BYTES {
        return Err(whole("is larger than 64 MiB"));
    }
    let mut text = String::new();
    // Bounded again: it may grow while it is read.
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| unreadable(&error))?;
    meanwhile();
    if stamp(path)? != before || text.len() as u64 != before.bytes {
        return Err(whole("changed while it was read: replace it in one step"));
    }
    Ok((before, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_while_it_is_read_is_refused_and_read_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("carbon.csv");
        std::fs::write(&path, "one").unwrap();
        let grows = || std::fs::write(&path, "one, two").unwrap();
        let is_swapped = || {
            let new = folder.path().join("new");
            std::fs::write(&new, "six").unwrap();
            std::fs::rename(new, &path).unwrap();
        };
        for error in [text(&path, grows), text(&path, is_swapped)] {
            assert!(error.unwrap_err().to_string().contains("changed while it was read"));
        }
        assert_eq!(text(&path, || ()).unwrap().1, "six");
    }

    #[test]
    fn what_is_too_large_or_no_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("carbon.csv");
        let told = || text(&path, || ()).unwrap_err().to_string();
        assert!(told().contains("is not there"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(told().contains("UTF-8"));
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(told().contains("larger than 64 MiB"));
    }
}
