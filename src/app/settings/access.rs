//! What only the sections together show to be wrong with how servers are asked.

use super::raw::Settings;
use crate::app::yaml::{Document, Finding};
use crate::carbon::settings::SourceSettings;
use crate::outbound::Access;
use crate::power::settings::Origin;
use std::net::IpAddr;
use url::Url;

impl Settings {
    /// Every server that the settings say how to ask, with its address.
    pub fn accesses(&self) -> impl Iterator<Item = (&Url, &Access)> {
        let carbon = self
            .carbon
            .providers
            .iter()
            .filter_map(|provider| match &provider.source {
                SourceSettings::Prometheus { url, access, .. } => Some((url, access)),
                _ => None,
            });
        let power = self.power.sources.iter().filter_map(|source| match &source.origin {
            Origin::Prometheus { url, access, .. } => Some((url, access)),
            Origin::Exporters { .. } => None,
        });
        let load = self
            .load
            .prometheus
            .iter()
            .map(|prometheus| (&prometheus.url, &prometheus.access));
        carbon.chain(power).chain(load)
    }

    /// The sections `access` whose secrets go over a network in the clear, because the settings allow it.
    pub fn in_the_clear(&self) -> impl Iterator<Item = &str> {
        let clear = self.accesses().filter(|(url, access)| {
            url.scheme() == "http" && access.shows() && !url.host_str().is_some_and(is_loopback)
        });
        clear.filter_map(|(_, access)| access.stands_at())
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Secrets that would have to be sent without TLS to a host that may not be called so: no call would ever be made.
pub(super) fn check(settings: &Settings, document: &Document) -> Vec<Finding> {
    let allowed = &settings.outbound.allow_plain_http;
    let found = settings.accesses().filter_map(|(url, access)| {
        let (host, path) = (url.host_str()?, access.stands_at()?);
        let refused = url.scheme() == "http" && access.shows() && !allowed.contains(host);
        refused.then(|| Finding {
            at: document.nearest(path),
            path: path.to_owned(),
            message: format!(
                "is shown to {host} without tls, which may not be: use https, or add the host to outbound.allowPlainHttp \
                 if nobody on the way can listen"
            ),
        })
    });
    found.collect()
}
