//! `admin` in the settings file.

use crate::settings::Problems;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};

/// `admin`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawAdmin {
    /// Address and port to listen on.
    pub listen: Option<String>,
}

/// `admin`, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminSettings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
}

impl RawAdmin {
    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> AdminSettings {
        let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 8651));
        AdminSettings {
            listen: problems.read("listen", self.listen.as_deref(), default),
        }
    }
}
