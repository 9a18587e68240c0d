//! Keys: read from files of their own, shown by nothing.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A key file is read up to this size; tokens of providers have some hundred bytes.
const MAX_BYTES: u64 = 8 * 1024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("key file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds nothing.
    #[error("key file {} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else than a key. What it holds is not told.
    #[error("key file {} does not hold one line of at most {MAX_BYTES} visible ASCII characters", path.display())]
    Illegal {
        /// The file.
        path: PathBuf,
    },
}

/// A key. Neither a log nor an error can show it: what formats it gets a fixed text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// Takes a text that can stand in a header: visible ASCII and no more of it than a key file may hold.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let legal = !text.is_empty() && text.len() as u64 <= MAX_BYTES && text.bytes().all(|b| b.is_ascii_graphic());
        legal.then(|| Self(text.into()))
    }

    /// Reads a key file. Space around the key is not part of it: editors end files with a line break.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let path = || path.to_owned();
        let mut bytes = Vec::new();
        let read = File::open(path()).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(|source| SecretError::Unreadable { path: path(), source })?;
        let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::Illegal { path: path() })?;
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretError::Empty { path: path() });
        }
        Self::new(text).ok_or_else(|| SecretError::Illegal { path: path() })
    }

    /// The key itself, for a header of a request.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// How a call shows who makes it.
#[derive(Debug, Clone, Copy)]
pub enum Credential<'a> {
    /// A key in a header of its own.
    Header(&'a str, &'a Secret),
    /// A name and a password (RFC 7617).
    Basic(&'a Secret, &'a Secret),
    /// A token (RFC 6750).
    Bearer(&'a Secret),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn a_key_is_read_without_the_space_around_it_and_shown_by_nothing() {
        let key = Secret::read(file(b" hush-hush \r\n").path()).unwrap();
        assert_eq!(key.expose(), "hush-hush");
        let shown = format!(
            "{key:?} {:?} {:?}",
            Credential::Bearer(&key),
            Credential::Basic(&key, &key)
        );
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn what_is_no_key_is_told_without_repeating_it() {
        for bytes in [
            &b"one\ntwo"[..],
            b"has space",
            "schl\u{fc}ssel".as_bytes(),
            &[0xff, b'k'],
            &[b'k'; 9000],
        ] {
            let error = Secret::read(file(bytes).path()).unwrap_err();
            assert!(matches!(error, SecretError::Illegal { .. }), "{error}");
            let told = format!("{error} {error:?}");
            assert!(
                !told.contains("two") && !told.contains("space") && !told.contains("kkkk"),
                "{told}"
            );
        }
        assert!(matches!(
            Secret::read(file(b" \n").path()),
            Err(SecretError::Empty { .. })
        ));
        let nowhere = Secret::read(Path::new("nowhere/key"));
        assert!(matches!(nowhere, Err(SecretError::Unreadable { .. })));
    }
}
