use super::error::{HistoryError, Refusal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What the first line of a file says.
const FORMAT: &str = "heliotrope-history";
/// The version that is written and read.
const VERSION: u32 = 1;
/// A file is at most this large. The bounds of what is learned keep it far below.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Names under which refused files are set aside.
const ASIDE: usize = 5;

/// The first line of a file, which says how to read the rest.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    bytes: u64,
    check: String,
}

/// A folder of versioned files, each replaced in one step.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Held for as long as the store is: two processes would overwrite each other.
    _lock: File,
}

impl Store {
    /// Opens a folder, making it if it is not there, and takes it for this process.
    ///
    /// # Errors
    /// When it cannot be written or another process has it.
    pub fn open(dir: &Path) -> Result<Self, HistoryError> {
        let unusable = |source| HistoryError::Folder {
            path: dir.to_owned(),
            source,
        };
        fs::create_dir_all(dir).map_err(unusable)?;
        let lock = writable(&dir.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                dir: dir.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(HistoryError::InUse { path: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Reads a file; `None` where there is none. One that is refused is set aside under another name.
    ///
    /// # Errors
    /// When it cannot be read or is not one that we wrote.
    pub fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, HistoryError> {
        let path = self.dir.join(name);
        let Some(bytes) = bytes_of(&path)? else {
            return Ok(None);
        };
        match read(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(refusal) => Err(HistoryError::Refused {
                aside: self.set_aside(name),
                path,
                refusal,
            }),
        }
    }

    /// Reads a file of a folder that another process may have, changing nothing.
    ///
    /// # Errors
    /// As [`Self::load`], but nothing is set aside.
    pub fn peek<T: DeserializeOwned>(dir: &Path, name: &str) -> Result<Option<T>, HistoryError> {
        let path = dir.join(name);
        match bytes_of(&path)?.map(|bytes| read(&bytes)) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(refusal)) => Err(HistoryError::Refused {
                path,
                refusal,
                aside: None,
            }),
        }
    }

    /// Replaces a file in one step and returns its size: written beside it, brought to the disk, and renamed.
    ///
    /// # Errors
    /// When it cannot be written; the file before it is then still there.
    pub fn save<T: Serialize>(&self, name: &str, value: &T) -> Result<u64, HistoryError> {
        let (path, beside) = (self.dir.join(name), self.dir.join(format!("{name}.new")));
        let bytes = written(value).map_err(|error| HistoryError::Unwritable {
            path: path.clone(),
            source: error.into(),
        })?;
        let size = bytes.len() as u64;
        if size > MAX_BYTES {
            return Err(HistoryError::TooLarge {
                bytes: size,
                max: MAX_BYTES,
            });
        }
        let replace = || -> io::Result<()> {
            let mut file = writable(&beside)?;
            file.set_len(0)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            // The rename is on the disk once the folder is.
            File::open(&self.dir)?.sync_all()
        };
        replace().map_err(|source| HistoryError::Unwritable {
            path: path.clone(),
            source,
        })?;
        Ok(size)
    }

    fn set_aside(&self, name: &str) -> Option<PathBuf> {
        let free = (1..=ASIDE).map(|number| self.dir.join(format!("{name}.refused-{number}")));
        let free = free.into_iter().find(|path| !path.exists())?;
        fs::rename(self.dir.join(name), &free).is_ok().then_some(free)
    }
}

/// What a file holds, as far as one of ours can reach; `None` where there is none.
fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>, HistoryError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HistoryError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A file that only this user reads and writes.
fn writable(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false).mode(0o600);
    options.open(path)
}

fn written<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let body = serde_json::to_vec(value)?;
    let head = Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        bytes: body.len() as u64,
        check: check(&body),
    };
    let mut bytes = serde_json::to_vec(&head)?;
    bytes.push(b'\n');
    bytes.extend(body);
    Ok(bytes)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Refusal::TooLarge(MAX_BYTES));
    }
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (head, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let head: Head = serde_json::from_slice(head).map_err(|_| Refusal::Foreign)?;
    if head.format != FORMAT {
        return Err(Refusal::Foreign);
    }
    if head.version != VERSION {
        return Err(Refusal::Version(head.version, VERSION));
    }
    if head.bytes != body.len() as u64 {
        return Err(Refusal::Length(body.len() as u64, head.bytes));
    }
    if head.check != check(body) {
        return Err(Refusal::Checksum);
    }
    serde_json::from_slice(body).map_err(|_| Refusal::Contents)
}

/// FNV-1a over 64 bits: it finds what disks and editors do, and guards against nobody.
fn check(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
