//! Questions to the admin listener of a running process.

use crate::outbound::settings::RawOutbound;
use crate::outbound::{HttpClient, OutboundError};
use crate::settings::Problems;
use anyhow::Context;
use url::Url;

/// Where it listens unless told otherwise.
pub(super) const DEFAULT: &str = "http://127.0.0.1:8651";

/// Gets a page; the outer error is ours, the inner one the listener's.
pub(super) fn get(admin: &Url, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Result<Vec<u8>, OutboundError>> {
    let host = admin.host_str().unwrap_or_default().to_owned();
    let mut settings = RawOutbound::default().validate(&mut Problems::default());
    settings.allow_plain_http.insert(host.clone());
    let http = HttpClient::new(&settings, [host])?;
    let mut url = admin.join(path)?;
    for (key, value) in query {
        url.query_pairs_mut().append_pair(key, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    Ok(runtime.block_on(http.get(url)))
}
