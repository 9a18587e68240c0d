use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes gathered before they go to the file.
const BUFFER: usize = 64 * 1024;
const PREFIX: &str = "decisions-";
const SUFFIX: &str = ".jsonl";

/// The files of one folder, one of them open. A file that was closed, or left by a process that died, is never written again.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    max_bytes: u64,
    most: usize,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    out: BufWriter<File>,
    bytes: u64,
    /// How long the first lines are, without which no other can be read.
    beginning: u64,
    dirty: bool,
}

impl Files {
    /// Nothing is opened before something is written.
    pub(super) fn new(dir: PathBuf, max_bytes: u64, max_files: usize) -> Self {
        Self {
            dir,
            max_bytes,
            most: max_files,
            open: None,
        }
    }

    /// Whether the next line needs a new file: none is open, or this one is full. One whose beginning is longer than half a
    /// file may grow to twice its beginning: else it would hold nothing but beginnings.
    pub(super) fn needs_new(&self) -> bool {
        self.open
            .as_ref()
            .is_none_or(|open| open.bytes >= self.max_bytes.max(2 * open.beginning))
    }

    /// Closes the open file, and opens the next one; gives its number. The oldest files go, so that no more are left than
    /// allowed.
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub(super) fn begin(&mut self) -> io::Result<u64> {
        self.close()?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let mut held = sequences(&self.dir)?;
        let mut sequence = held.last().map_or(1, |last| last + 1);
        let file = loop {
            let made = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(self.dir.join(name(sequence)));
            match made {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => sequence += 1,
                made => break made?,
            }
        };
        held.push(sequence);
        let excess = held.len().saturating_sub(self.most);
        for old in held.iter().take(excess) {
            fs::remove_file(self.dir.join(name(*old)))?;
        }
        self.open = Some(Open {
            out: BufWriter::with_capacity(BUFFER, file),
            bytes: 0,
            beginning: 0,
            dirty: false,
        });
        Ok(sequence)
    }

    /// Writes lines to the open file. What is written until the first call of the file is its beginning.
    ///
    /// # Errors
    /// When they cannot be written; the file is left as it is, and the next lines need a new one.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let Some(open) = &mut self.open else {
            return Err(io::Error::other("no file is open"));
        };
        if let Err(error) = open.out.write_all(lines) {
            self.abandon();
            return Err(error);
        }
        let length = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if open.beginning == 0 {
            open.beginning = length;
        }
        open.bytes = open.bytes.saturating_add(length);
        open.dirty = true;
        Ok(())
    }

    /// Brings what was written to the disk.
    ///
    /// # Errors
    /// When that fails; the next lines need a new file.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|open| open.dirty) else {
            return Ok(());
        };
        let flushed = open.out.flush().and_then(|()| open.out.get_ref().sync_data());
        match flushed {
            Ok(()) => open.dirty = false,
            Err(_) => self.abandon(),
        }
        flushed
    }

    /// Leaves the open file as it is: a line that was written in part must not be followed by another.
    fn abandon(&mut self) {
        if let Some(open) = self.open.take() {
            // The buffer is thrown away, for dropping it would try to write it once more.
            let (_file, _unwritten) = open.out.into_parts();
        }
    }

    /// Flushes and closes the open file.
    ///
    /// # Errors
    /// When it cannot be flushed; it is closed all the same.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let flushed = self.flush();
        self.open = None;
        flushed
    }

    /// How many files there are.
    pub(super) fn count(&self) -> usize {
        sequences(&self.dir).map_or(0, |held| held.len())
    }
}

fn name(sequence: u64) -> String {
    format!("{PREFIX}{sequence:09}{SUFFIX}")
}

/// The numbers of the files in a folder, oldest first.
fn sequences(dir: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names(dir: &Path) -> Vec<u64> {
        sequences(dir).unwrap()
    }

    #[test]
    fn files_are_numbered_on_bounded_in_number_and_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("a/b");
        for expected in 1..=4 {
            // Each time as a process that has just started.
            let mut files = Files::new(logs.clone(), 100, 3);
            assert!(files.needs_new());
            assert_eq!(files.begin().unwrap(), expected);
            files.write(b"beginning\n").unwrap();
            files.close().unwrap();
        }
        assert_eq!(names(&logs), [2, 3, 4]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&logs.join(name(4))), 0o600);
        assert_eq!(mode(&logs), 0o700);
    }

    #[test]
    fn a_file_is_full_at_its_bound_or_at_twice_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::new(dir.path().to_owned(), 100, 2);
        files.begin().unwrap();
        files.write(&[b'x'; 90]).unwrap();
        files.write(&[b'x'; 80]).unwrap();
        assert!(!files.needs_new(), "170 of 180 bytes");
        files.write(&[b'x'; 10]).unwrap();
        assert!(files.needs_new());
        files.begin().unwrap();
        files.write(&[b'x'; 10]).unwrap();
        files.write(&[b'x'; 89]).unwrap();
        assert!(!files.needs_new());
        files.write(b"x").unwrap();
        assert!(files.needs_new());
    }

    #[test]
    fn what_is_not_a_log_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for other in ["decisions-x.jsonl", "notes.txt", "decisions-000000001.jsonl.gz"] {
            fs::write(dir.path().join(other), "mine").unwrap();
        }
        let mut files = Files::new(dir.path().to_owned(), 100, 1);
        files.begin().unwrap();
        files.begin().unwrap();
        assert_eq!(names(dir.path()), [2]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
    }
}
