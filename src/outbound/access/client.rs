use super::Access;
use crate::outbound::client::{HttpClient, OutboundError};
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// Calls one server as its [`Access`] says. Cloning shares its connections.
#[derive(Debug, Clone)]
pub(in crate::outbound) struct AccessClient {
    http: HttpClient,
    access: Arc<Access>,
    trusting: Arc<Mutex<Option<Trusting>>>,
}

/// A client that trusts the authorities of a bundle, for as long as the bundle is the same.
#[derive(Debug)]
struct Trusting {
    bundle: Vec<u8>,
    http: HttpClient,
}

impl AccessClient {
    pub(in crate::outbound) fn new(http: HttpClient, access: &Access) -> Self {
        Self {
            http,
            access: Arc::new(access.clone()),
            trusting: Arc::default(),
        }
    }

    /// Fetches a body.
    pub(in crate::outbound) async fn get(&self, url: Url) -> Result<Vec<u8>, OutboundError> {
        let http = self.http()?;
        let shown = self.access.read()?;
        http.call(url, shown.credentials()).await?.body()
    }

    /// The client to call with: where there is a bundle it is read each time, and a new one makes a new client.
    fn http(&self) -> Result<HttpClient, OutboundError> {
        let Some(bundle) = self.access.bundle() else {
            return Ok(self.http.clone());
        };
        let bundle = bundle?;
        let mut kept = self.trusting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.bundle == bundle) {
            return Ok(kept.http.clone());
        }
        let http = self.http.trusting(self.access.authorities(&bundle)?)?;
        *kept = Some(Trusting {
            bundle,
            http: http.clone(),
        });
        Ok(http)
    }
}
