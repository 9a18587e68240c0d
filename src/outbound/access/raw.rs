use super::{Access, Login, Value};
use crate::outbound::secret::Secret;
use crate::settings::Problems;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// Headers beyond these make no request.
const MOST_HEADERS: usize = 16;
/// Headers that say who asks have keys of their own, or are the client's to write.
const TAKEN: [&str; 13] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept-encoding",
    "user-agent",
];

/// `access` beside an address, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawAccess {
    token_file: Option<PathBuf>,
    username: Option<String>,
    password_file: Option<PathBuf>,
    headers: Option<BTreeMap<String, Written>>,
    header_files: Option<BTreeMap<String, PathBuf>>,
    ca_file: Option<PathBuf>,
}

/// The value of a header, which a log of the settings must not show.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
struct Written(String);

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written(hidden)")
    }
}

impl RawAccess {
    /// Takes relative file names from a folder.
    pub fn locate(&mut self, folder: &Path) {
        let named = self.header_files.iter_mut().flat_map(BTreeMap::values_mut);
        let own = [&mut self.token_file, &mut self.password_file, &mut self.ca_file];
        for path in own.into_iter().flatten().chain(named) {
            *path = folder.join(&path);
        }
    }

    /// Checks the section `access` that stands beside an address.
    pub fn validate(self, url: Option<&Url>, problems: &mut Problems) -> Access {
        problems.within("access", |problems| {
            let at = problems.path();
            if self.ca_file.is_some() && url.is_some_and(|url| url.scheme() != "https") {
                problems.report("caFile", "has no effect without tls: the address must begin with https");
            }
            let headers = headers(
                self.headers.unwrap_or_default(),
                self.header_files.unwrap_or_default(),
                problems,
            );
            Access {
                at,
                login: login(self.token_file, self.username, self.password_file, problems),
                headers,
                ca_file: self.ca_file,
            }
        })
    }
}

fn login(
    token: Option<PathBuf>,
    username: Option<String>,
    password: Option<PathBuf>,
    problems: &mut Problems,
) -> Option<Login> {
    match (token, username, password) {
        (None, None, None) => None,
        (Some(file), None, None) => Some(Login::Token(file)),
        (Some(_), ..) => {
            problems.report(
                "tokenFile",
                "stands beside a username or a password: give one of the two",
            );
            None
        }
        (None, Some(username), Some(file)) => {
            let Some(username) = Secret::new(&username).filter(|_| !username.contains(':')) else {
                problems.report("username", "must be visible ASCII characters without a colon");
                return None;
            };
            Some(Login::Password { username, file })
        }
        (None, Some(_), None) => {
            problems.report("passwordFile", "is missing: name a file that holds it and nothing else");
            None
        }
        (None, None, Some(_)) => {
            problems.report("username", "is missing: a password has a user");
            None
        }
    }
}

/// Headers by their names, written and of files. Nothing that is reported repeats a value.
fn headers(
    written: BTreeMap<String, Written>,
    files: BTreeMap<String, PathBuf>,
    problems: &mut Problems,
) -> Vec<(String, Value)> {
    let (mut seen, mut headers) = (BTreeSet::new(), Vec::new());
    let written = written
        .into_iter()
        .map(|(name, Written(text))| ("headers", name, Secret::new(&text).map(Value::Written)));
    let files = files
        .into_iter()
        .map(|(name, file)| ("headerFiles", name, Some(Value::File(file))));
    for (key, name, value) in written.chain(files) {
        let wrong = wrong_name(&name).or_else(|| {
            let twice = !seen.insert(name.to_ascii_lowercase());
            twice.then_some("stands here twice: give one of the two")
        });
        problems.within(key, |problems| match (wrong, value) {
            (Some(wrong), _) => problems.report(&name, wrong),
            (None, None) => problems.report(&name, "must be visible ASCII characters without space"),
            (None, Some(value)) => headers.push((name.clone(), value)),
        });
    }
    if headers.len() > MOST_HEADERS {
        problems.report(
            "headers",
            format_args!("must be {MOST_HEADERS} at most, with those of files"),
        );
    }
    headers
}

fn wrong_name(name: &str) -> Option<&'static str> {
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() || name.len() > 64 {
        return Some("is not the name of a header");
    }
    let lower = name.to_ascii_lowercase();
    if lower == "authorization" {
        return Some("is written from `tokenFile`, or from `username` and `passwordFile`: name one of these");
    }
    TAKEN
        .contains(&lower.as_str())
        .then_some("is a header that the client writes by itself, or none")
}
