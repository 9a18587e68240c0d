use crate::telemetry::Metrics;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use std::sync::Arc;

/// A longer token is none: those of service accounts have a kilobyte, and those of identity providers grow with groups.
const MAX_TOKEN: usize = 8 * 1024;
/// The longest name of a namespace (RFC 1123 label).
const MAX_NAMESPACE: usize = 63;

/// What somebody may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The bearer of the token may.
    Allowed,
    /// The bearer is known, and may not.
    Denied,
    /// Nobody knows the token.
    Unknown,
}

/// Nobody can say now: the cluster does not answer, or was asked too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreviewed;

/// Asks the cluster whether the bearer of a token may get the pods of a namespace, or of all of them where none is named.
pub trait Reviewer: Send + Sync {
    /// The answer, from a short memory or from the cluster.
    fn review<'a>(&'a self, token: &'a str, namespace: Option<&'a str>)
    -> BoxFuture<'a, Result<Verdict, Unreviewed>>;
}

/// Who is answered what tells of tenants.
#[derive(Clone)]
pub enum Access {
    /// Everybody who reaches the listener.
    Open,
    /// Who may get the pods that the answer is about.
    Reviewed(Arc<dyn Reviewer>),
}

/// What an answer tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject<'a> {
    /// Pods of one namespace.
    Namespace(&'a str),
    /// Pods of all of them.
    Cluster,
}

impl<'a> Subject<'a> {
    /// Of a pod by `namespace/name`; nothing where no namespace can have that name.
    pub(super) fn of(pod: &'a str) -> Option<Self> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let (namespace, _) = pod.split_once('/')?;
        let named = (1..=MAX_NAMESPACE).contains(&namespace.len()) && namespace.bytes().all(legal);
        named.then_some(Self::Namespace(namespace))
    }
}

impl Access {
    /// Lets a caller through, or gives the refusal. Neither has a word of the token.
    pub(super) async fn check(
        &self,
        metrics: &Metrics,
        headers: &HeaderMap,
        subject: Subject<'_>,
    ) -> Result<(), Refused> {
        let Self::Reviewed(reviewer) = self else { return Ok(()) };
        let checked = match (bearer(headers), subject) {
            (None, _) => Err(Refused::NoToken),
            (Some(token), Subject::Namespace(name)) => judged(reviewer.review(token, Some(name)).await),
            (Some(token), Subject::Cluster) => judged(reviewer.review(token, None).await),
        };
        metrics.caller(checked.as_ref().err().map_or("allowed", |refused| refused.outcome()));
        checked
    }
}

fn judged(verdict: Result<Verdict, Unreviewed>) -> Result<(), Refused> {
    match verdict {
        Ok(Verdict::Allowed) => Ok(()),
        Ok(Verdict::Denied) => Err(Refused::Denied),
        Ok(Verdict::Unknown) => Err(Refused::Unknown),
        Err(Unreviewed) => Err(Refused::Unreviewed),
    }
}

/// The token of a request (RFC 6750): one header, visible ASCII.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (only, None) = (given.next()?, given.next()) else {
        return None;
    };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    let legal = (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && legal).then_some(token)
}

/// Why a caller is answered nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It showed no token.
    NoToken,
    /// Nobody knows its token.
    Unknown,
    /// It may not get those pods.
    Denied,
    /// Nobody can say.
    Unreviewed,
}

impl Refused {
    /// The name used in metrics.
    fn outcome(self) -> &'static str {
        match self {
            Self::NoToken => "no-token",
            Self::Unknown => "unknown",
            Self::Denied => "denied",
            Self::Unreviewed => "unreviewed",
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let unauthorized = |challenge: &'static str, told: &'static str| {
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)], told).into_response()
        };
        match self {
            Self::NoToken => unauthorized(
                r#"Bearer realm="heliotrope""#,
                "a bearer token of the cluster is needed",
            ),
            Self::Unknown => unauthorized(
                r#"Bearer realm="heliotrope", error="invalid_token""#,
                "the cluster does not know this token: it may have run out",
            ),
            Self::Denied => {
                let told = "who is answered may get the pods that the answer is about: of the namespace, or for a report of all";
                (StatusCode::FORBIDDEN, told).into_response()
            }
            Self::Unreviewed => {
                let told = "the cluster cannot be asked what you may read: try again soon";
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "2")], told).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn token(lines: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_static(line));
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn a_token_is_one_word_behind_bearer() {
        assert_eq!(token(&["Bearer abc.d-e_f~+/="]).as_deref(), Some("abc.d-e_f~+/="));
        assert_eq!(token(&["bEARER  abc"]).as_deref(), Some("abc"));
        for wrong in [
            &["Basic abc"][..],
            &["Bearer"],
            &["Bearer "],
            &["abc"],
            &["Bearer a b"],
            &[],
        ] {
            assert_eq!(token(wrong), None, "{wrong:?}");
        }
        assert_eq!(token(&["Bearer a", "Bearer b"]), None, "which of them would it be?");
        let of_length = |length: usize| {
            let line = format!("Bearer {}", "t".repeat(length));
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&line).unwrap())]);
            bearer(&headers).is_some()
        };
        assert!(of_length(MAX_TOKEN) && !of_length(MAX_TOKEN + 1));
    }

    #[test]
    fn a_question_is_about_the_namespace_that_it_names() {
        assert_eq!(Subject::of("ml/a"), Some(Subject::Namespace("ml")));
        assert_eq!(Subject::of("ml/a/b"), Some(Subject::Namespace("ml")));
        for nobodys in ["", "a", "/a", "ML/a", "m l/a", "*/a"] {
            assert_eq!(Subject::of(nobodys), None, "{nobodys}");
        }
        let long = format!("{}/a", "n".repeat(64));
        assert_eq!(Subject::of(&long), None);
    }
}
