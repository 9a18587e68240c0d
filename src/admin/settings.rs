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
    /// Who is answered what tells of tenants.
    pub auth: Option<String>,
}

/// Who is answered what tells of tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AdminAuth {
    /// Who shows a token that the cluster knows, and may get the pods that the answer is about.
    #[default]
    Token,
    /// Everybody who reaches the listener.
    Off,
}

/// `admin`, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminSettings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Who is answered what tells of tenants.
    pub auth: AdminAuth,
}

impl RawAdmin {
    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> AdminSettings {
        let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 8651));
        let auth = match self.auth.as_deref() {
            None | Some("token") => AdminAuth::Token,
            Some("off") => AdminAuth::Off,
            Some(_) => {
                problems.report("auth", "must be token or off");
                AdminAuth::Token
            }
        };
        AdminSettings {
            auth,
            listen: problems.read("listen", self.listen.as_deref(), default),
        }
    }
}
