//! Questions to the admin listener of a running process.

use crate::outbound::settings::RawOutbound;
use crate::outbound::{Credential, HttpClient, OutboundError, Secret};
use crate::settings::Problems;
use anyhow::{Context, anyhow};
use clap::Args;
use std::fmt;
use std::path::{Path, PathBuf};
use url::{Host, Url};

/// Where it listens unless told otherwise.
const DEFAULT: &str = "http://127.0.0.1:8651";
/// The token of the pod that the command runs in.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Which listener, and as whom.
#[derive(Debug, Args)]
pub(super) struct Listener {
    /// Address of the admin listener
    #[arg(long, env = "HELIOTROPE_ADMIN", default_value = DEFAULT, value_name = "URL")]
    admin: Url,

    /// File with a bearer token of the cluster, such as one of `kubectl create token NAME --audience heliotrope`; without it
    /// the token of the pod that this runs in, if it runs in one and the listener is on loopback or has TLS
    #[arg(long, env = "HELIOTROPE_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.admin.fmt(f)
    }
}

impl Listener {
    /// A file that is named must hold a token. That of the pod is good for the whole API of the cluster, so nobody else is shown
    /// it on the way.
    fn token(&self) -> anyhow::Result<Option<Secret>> {
        if let Some(named) = &self.token_file {
            return Ok(Some(Secret::read(named)?));
        }
        let own = Path::new(POD_TOKEN);
        if !is_private(&self.admin) || !own.exists() {
            return Ok(None);
        }
        Ok(Some(Secret::read(own)?))
    }
}

/// Whether nobody on the way can read what is sent.
fn is_private(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || loopback
}

/// Gets a page; the outer error is ours, the inner one the listener's.
pub(super) fn get(
    listener: &Listener,
    path: &str,
    query: &[(&str, &str)],
) -> anyhow::Result<Result<Vec<u8>, OutboundError>> {
    let admin = &listener.admin;
    let host = admin.host_str().unwrap_or_default().to_owned();
    let mut settings = RawOutbound::default().validate(&mut Problems::default());
    settings.allow_plain_http.insert(host.clone());
    let http = HttpClient::new(&settings, [host])?;
    let mut url = admin.join(path)?;
    for (key, value) in query {
        url.query_pairs_mut().append_pair(key, value);
    }
    let token = listener.token()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    let answer = runtime.block_on(http.call(url, token.as_ref().map(Credential::Bearer)));
    match answer.and_then(crate::outbound::Answer::body) {
        Err(error) => match refusal(&error, token.is_some()) {
            Some(why) => Err(anyhow!("{error}: {why}")),
            None => Ok(Err(error)),
        },
        body => Ok(body),
    }
}

/// What to do where the listener wants to know who asks.
fn refusal(error: &OutboundError, shown: bool) -> Option<&'static str> {
    let OutboundError::Status { status, .. } = error else {
        return None;
    };
    match (*status, shown) {
        (401, false) => Some("it answers who shows a token: give one with --token-file"),
        (401, true) => Some("the cluster does not know the token: it may have run out, or be of another cluster"),
        (403, _) => Some("who asks must have the right to get the pods that the answer is about"),
        (503, _) => Some("the cluster cannot be asked who may read this: try again soon"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_the_pod_goes_nowhere_in_plain_sight() {
        for (url, private) in [
            ("http://127.0.0.1:8651", true),
            ("http://[::1]:8651", true),
            ("http://localhost:8651", true),
            ("https://heliotrope.example.com", true),
            ("http://heliotrope-admin.heliotrope-system:8651", false),
            ("http://127.0.0.1.example.com", false),
            ("http://10.0.0.1:8651", false),
        ] {
            assert_eq!(is_private(&url.parse().unwrap()), private, "{url}");
        }
    }
}
