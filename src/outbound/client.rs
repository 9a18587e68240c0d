use super::retry::RetryAfter;
use super::secret::{Credential, Secret};
use super::settings::OutboundSettings;
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;
use url::Url;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The client cannot be built.
    #[error("http client cannot be built")]
    Client,
    /// The host may not be called.
    #[error("host {host} is not allowed: add it to outbound.allowHosts")]
    Host {
        /// The host.
        host: String,
    },
    /// The host may not be called without TLS.
    #[error("host {host} may not be called without tls: use https or add it to outbound.allowPlainHttp")]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// It did not answer.
    #[error("{host} did not answer: {reason}")]
    Transport {
        /// The host.
        host: String,
        /// What happened, without the address.
        reason: &'static str,
    },
    /// Nobody who is trusted vouches for it.
    #[error(
        "{host} shows a certificate that is not trusted: of another host, out of date, or signed by an authority that is not known here, which for a prometheus `access.caFile` names"
    )]
    Certificate {
        /// The host.
        host: String,
    },
    /// What is to be shown cannot be had.
    #[error("{key}: {reason}")]
    Access {
        /// The key in the settings.
        key: String,
        /// What is wrong with the file that it names.
        reason: String,
    },
    /// It answered with an error.
    #[error("{host} answered {status}{}", meaning(*status))]
    Status {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// When it wants to be asked again; only of 429 and 503.
        retry_after: Option<RetryAfter>,
    },
    /// The answer is too long.
    #[error("{host} answered more than {cap} bytes: raise outbound.maxResponseBytes if that is right")]
    TooLong {
        /// The host.
        host: String,
        /// The cap.
        cap: usize,
    },
    /// The answer has another shape than documented.
    #[error("{host} answered something else than documented: {what}")]
    Shape {
        /// The host.
        host: String,
        /// What is missing or wrong.
        what: String,
    },
}

impl OutboundError {
    /// The name used in metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Host { .. } | Self::PlainHttp { .. } => "not-allowed",
            Self::Transport { .. } => "transport",
            Self::Certificate { .. } => "certificate",
            Self::Access { .. } => "key",
            Self::Status { status: 401 | 403, .. } => "denied",
            Self::Status { status: 429, .. } => "rate-limited",
            Self::Status { .. } => "status",
            Self::TooLong { .. } => "too-long",
            Self::Shape { .. } => "shape",
        }
    }

    /// When the server wants to be asked again, if it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<RetryAfter> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What a status asks the operator to do.
fn meaning(status: u16) -> &'static str {
    match status {
        300..=399 => ": it points elsewhere, where nothing is sent: write the address that it means",
        401 => ": it wants to know who asks, or does not take what it was shown",
        403 => ": it knows who asks, who may not ask this",
        _ => "",
    }
}

/// What is read of the body of a refusal: enough to tell one refusal from another, never to be repeated.
const REFUSAL: usize = 4096;

/// What a server answered.
pub struct Answer {
    /// The host.
    pub host: String,
    /// The HTTP status.
    pub status: u16,
    /// When it wants to be asked again; only of 429 and 503.
    pub retry_after: Option<RetryAfter>,
    body: Vec<u8>,
}

impl fmt::Debug for Answer {
    /// Without the body, which can hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.host, self.status)
    }
}

impl Answer {
    /// The body of a success.
    ///
    /// # Errors
    /// The status of anything else.
    pub fn body(self) -> Result<Vec<u8>, OutboundError> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(OutboundError::Status {
            host: self.host,
            status: self.status,
            retry_after: self.retry_after,
        })
    }

    /// Whether the body holds some words, by which gateways tell their refusals apart.
    #[must_use]
    pub fn says(&self, words: &str) -> bool {
        let words = words.as_bytes();
        self.body.windows(words.len().max(1)).any(|part| part == words)
    }
}

/// The one HTTP client. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    inner: reqwest::Client,
    hosts: BTreeSet<String>,
    plain: BTreeSet<String>,
    cap: usize,
    timeout: Duration,
}

impl HttpClient {
    /// A client that may call the hosts of the settings and `named`, the hosts that the settings file names as sources.
    ///
    /// # Errors
    /// When no TLS configuration can be made.
    pub fn new(settings: &OutboundSettings, named: impl IntoIterator<Item = String>) -> Result<Self, OutboundError> {
        let inner = builder(settings.timeout).build().map_err(|_| OutboundError::Client)?;
        let hosts = settings.allow_hosts.iter().cloned().chain(named).collect();
        Ok(Self {
            inner,
            hosts,
            plain: settings.allow_plain_http.clone(),
            cap: settings.max_response_bytes,
            timeout: settings.timeout,
        })
    }

    /// The same client, which trusts these authorities and no others.
    pub(super) fn trusting(&self, authorities: Vec<reqwest::Certificate>) -> Result<Self, OutboundError> {
        let made = builder(self.timeout).tls_certs_only(authorities).build();
        let inner = made.map_err(|_| OutboundError::Client)?;
        Ok(Self { inner, ..self.clone() })
    }

    /// The same client for an address that was found where the settings say to look: it may be called, without TLS too.
    #[must_use]
    pub fn found(&self, url: &Url) -> Self {
        let mut client = self.clone();
        if let Some(host) = url.host_str() {
            client.hosts.insert(host.to_owned());
            client.plain.insert(host.to_owned());
        }
        client
    }

    /// Fetches a body.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn get(&self, url: Url) -> Result<Vec<u8>, OutboundError> {
        self.call(url, None).await?.body()
    }

    /// Fetches an answer, be it a body or a refusal. Keys go into headers that no log of the client shows.
    ///
    /// # Errors
    /// See [`OutboundError`]; a status is none.
    pub async fn call<'c>(
        &self,
        url: Url,
        credentials: impl IntoIterator<Item = Credential<'c>>,
    ) -> Result<Answer, OutboundError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        if !self.hosts.contains(&host) {
            return Err(OutboundError::Host { host });
        }
        if url.scheme() != "https" && !self.plain.contains(&host) {
            return Err(OutboundError::PlainHttp { host });
        }
        let transport = |error: &reqwest::Error| {
            let host = host.clone();
            if is_certificate(error) {
                return OutboundError::Certificate { host };
            }
            let reason = reason(error);
            OutboundError::Transport { host, reason }
        };
        let mut request = self.inner.get(url);
        for credential in credentials {
            request = match credential {
                Credential::Header(name, key) => request.header(name, sensitive(key)?),
                Credential::Basic(name, password) => request.basic_auth(name.expose(), Some(password.expose())),
                Credential::Bearer(token) => request.bearer_auth(token.expose()),
            };
        }
        let mut response = request.send().await.map_err(|error| transport(&error))?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let cap = if status.is_success() {
            self.cap
        } else {
            self.cap.min(REFUSAL)
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
            if body.len() + chunk.len() > cap {
                if status.is_success() {
                    return Err(OutboundError::TooLong { host, cap });
                }
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            host,
            status: status.as_u16(),
            retry_after,
            body,
        })
    }
}

/// A key as a header that its own formatting hides.
fn sensitive(key: &Secret) -> Result<reqwest::header::HeaderValue, OutboundError> {
    let mut value = reqwest::header::HeaderValue::from_str(key.expose()).map_err(|_| OutboundError::Client)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A limit reached or a server that is overloaded may say when to come back.
fn retry_after(response: &reqwest::Response) -> Option<RetryAfter> {
    let status = response.status();
    let asks = matches!(
        status,
        reqwest::StatusCode::TOO_MANY_REQUESTS | reqwest::StatusCode::SERVICE_UNAVAILABLE
    );
    let header = response.headers().get(reqwest::header::RETRY_AFTER).filter(|_| asks)?;
    RetryAfter::parse(header.to_str().ok()?)
}

/// A client that follows nobody elsewhere: what it is given to show is for the host that it calls.
fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes a client")]
    let builder = reqwest::Client::builder();
    builder
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("heliotrope/", env!("CARGO_PKG_VERSION")))
}

/// Whether the server's certificate was not taken. An io error hides what it was made of from `source`.
fn is_certificate(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        let made_of = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match made_of {
            Some(made_of) => Some(made_of),
            None => error.source(),
        };
    }
    false
}

/// What happened, without the address, whose query could hold a key.
fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it took longer than outbound.timeout"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke off"
    }
}
