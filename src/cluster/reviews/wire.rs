//! The two reviews as the API server reads and writes them, and no more of them than is used. Nothing here can be formatted that
//! holds a token.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `authentication.k8s.io/v1`, as asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenReview<'a> {
    api_version: &'static str,
    kind: &'static str,
    spec: TokenSpec<'a>,
}

#[derive(Serialize)]
struct TokenSpec<'a> {
    token: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    audiences: &'a [&'a str],
}

impl<'a> TokenReview<'a> {
    pub(super) const PATH: &'static str = "/apis/authentication.k8s.io/v1/tokenreviews";

    /// No audience stands for the API server's own.
    pub(super) fn about(token: &'a str, audiences: &'a [&'a str]) -> Self {
        Self {
            api_version: "authentication.k8s.io/v1",
            kind: "TokenReview",
            spec: TokenSpec { token, audiences },
        }
    }
}

/// `authorization.k8s.io/v1`, as asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessReview<'a> {
    api_version: &'static str,
    kind: &'static str,
    spec: AccessSpec<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessSpec<'a> {
    user: &'a str,
    uid: &'a str,
    groups: &'a [String],
    extra: &'a BTreeMap<String, Vec<String>>,
    resource_attributes: Attributes<'a>,
}

#[derive(Serialize)]
struct Attributes<'a> {
    verb: &'static str,
    version: &'static str,
    resource: &'static str,
    /// Empty stands for all namespaces.
    namespace: &'a str,
}

impl<'a> AccessReview<'a> {
    pub(super) const PATH: &'static str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

    pub(super) fn of_pods(user: &'a User, namespace: Option<&'a str>) -> Self {
        Self {
            api_version: "authorization.k8s.io/v1",
            kind: "SubjectAccessReview",
            spec: AccessSpec {
                user: &user.username,
                uid: &user.uid,
                groups: &user.groups,
                extra: &user.extra,
                resource_attributes: Attributes {
                    verb: "get",
                    version: "v1",
                    resource: "pods",
                    namespace: namespace.unwrap_or_default(),
                },
            },
        }
    }
}

/// A review with its answer; the question in it is not read.
#[derive(Deserialize)]
pub(super) struct Review<S> {
    pub(super) status: S,
}

/// The answer to a `TokenReview`.
#[derive(Deserialize)]
pub(super) struct Identified {
    #[serde(default)]
    authenticated: bool,
    #[serde(default)]
    audiences: Vec<String>,
    user: Option<User>,
}

impl Identified {
    /// Who it is, if the token is for whom was asked. A server that does not know audiences names none: the token is then good
    /// for the API server.
    pub(super) fn user_of(self, asked: &[&str]) -> Option<User> {
        let meant = asked.is_empty()
            || self.audiences.is_empty()
            || self.audiences.iter().any(|audience| asked.contains(&audience.as_str()));
        let user = self.user.filter(|user| !user.username.is_empty())?;
        (self.authenticated && meant).then_some(user)
    }
}

/// Whom the API server knows the bearer of a token as.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct User {
    #[serde(default)]
    username: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Bytes of its words.
    pub(super) fn weight(&self) -> usize {
        let words = |list: &[String]| list.iter().map(|word| word.len() + size_of::<String>()).sum::<usize>();
        let extra = self.extra.iter().map(|(key, values)| key.len() + words(values));
        self.username.len() + self.uid.len() + words(&self.groups) + extra.sum::<usize>()
    }
}

/// The answer to a `SubjectAccessReview`.
#[derive(Deserialize)]
pub(super) struct Judged {
    #[serde(default)]
    allowed: bool,
    #[serde(default)]
    denied: bool,
}

impl Judged {
    pub(super) fn is_allowed(&self) -> bool {
        self.allowed && !self.denied
    }
}
