//! Servers that want to know who asks.
//!
//! Owns the section `access` that stands beside an address in the settings ([`RawAccess`], [`Access`]: token, password, headers,
//! an authority of one's own), and the client that calls by it ([`AccessClient`]). Files are read for each call, so that a token
//! that is rotated counts from the next one on. Must never show what a file or a header holds, nor send it anywhere but to the
//! address that it stands beside.

mod client;
mod raw;

pub(super) use client::AccessClient;
pub use raw::RawAccess;

use super::client::OutboundError;
use super::secret::{Credential, Secret};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A bundle is read up to this size; all public authorities together have some 250 KiB.
const MAX_BUNDLE: u64 = 1024 * 1024;

/// How a server wants to be asked. The default is: by anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The key of the section in the settings, to be named in errors.
    at: String,
    login: Option<Login>,
    headers: Vec<(String, Value)>,
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Login {
    Token(PathBuf),
    Password { username: Secret, file: PathBuf },
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Written(Secret),
    File(PathBuf),
}

/// What is shown in one call.
#[derive(Default)]
struct Shown<'a> {
    login: Option<(Option<&'a Secret>, Secret)>,
    headers: Vec<(&'a str, Secret)>,
}

impl Access {
    /// Whether something is shown that names who asks: a token, a password or a header.
    #[must_use]
    pub fn shows(&self) -> bool {
        self.login.is_some() || !self.headers.is_empty()
    }

    /// Where it stands in the settings; nothing where anybody may ask.
    #[must_use]
    pub fn stands_at(&self) -> Option<&str> {
        let is_open = !self.shows() && self.ca_file.is_none();
        (!is_open).then_some(self.at.as_str())
    }

    /// What is wrong with the files that it names, as they are now. What they hold is not told.
    #[must_use]
    pub fn wrong_files(&self) -> Vec<OutboundError> {
        let shown = self.read().err();
        let bundle = self
            .bundle()
            .and_then(|bundle| bundle.and_then(|bundle| self.authorities(&bundle)).err());
        shown.into_iter().chain(bundle).collect()
    }

    /// The bundle of authorities, where it is not those of the public.
    fn bundle(&self) -> Option<Result<Vec<u8>, OutboundError>> {
        let file = self.ca_file.as_deref()?;
        let mut bundle = Vec::new();
        let read = File::open(file).and_then(|open| open.take(MAX_BUNDLE + 1).read_to_end(&mut bundle));
        let wrong = match read {
            Err(error) => format!("ca file {} cannot be read: {error}", file.display()),
            Ok(_) if bundle.len() as u64 > MAX_BUNDLE => {
                format!("ca file {} has more than {MAX_BUNDLE} bytes", file.display())
            }
            Ok(_) => return Some(Ok(bundle)),
        };
        Some(Err(self.refused("caFile", wrong)))
    }

    fn authorities(&self, bundle: &[u8]) -> Result<Vec<reqwest::Certificate>, OutboundError> {
        let authorities = reqwest::Certificate::from_pem_bundle(bundle).unwrap_or_default();
        if authorities.is_empty() {
            return Err(self.refused("caFile", "the ca file holds no certificate in PEM".to_owned()));
        }
        Ok(authorities)
    }

    fn refused(&self, key: &str, reason: String) -> OutboundError {
        let key = self.key(key);
        OutboundError::Access { key, reason }
    }

    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.at)
    }

    /// Reads what is to be shown.
    fn read(&self) -> Result<Shown<'_>, OutboundError> {
        let secret =
            |key: &str, file: &Path| Secret::read(file).map_err(|error| self.refused(key, error.to_string()));
        let login = match &self.login {
            None => None,
            Some(Login::Token(file)) => Some((None, secret("tokenFile", file)?)),
            Some(Login::Password { username, file }) => Some((Some(username), secret("passwordFile", file)?)),
        };
        let headers = self.headers.iter().map(|(name, value)| {
            let value = match value {
                Value::Written(secret) => secret.clone(),
                Value::File(file) => secret(&format!("headerFiles.{name}"), file)?,
            };
            Ok((name.as_str(), value))
        });
        Ok(Shown {
            login,
            headers: headers.collect::<Result<_, OutboundError>>()?,
        })
    }
}

impl Shown<'_> {
    fn credentials(&self) -> impl Iterator<Item = Credential<'_>> {
        let login = self.login.iter().map(|(username, secret)| match username {
            Some(username) => Credential::Basic(username, secret),
            None => Credential::Bearer(secret),
        });
        let headers = self.headers.iter();
        login.chain(headers.map(|(name, value)| Credential::Header(name, value)))
    }
}
