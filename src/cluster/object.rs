//! One object, as the API server has it, for commands that are run by people.

use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Client, Error};
use serde_json::Value;

/// A kind, as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// `apiVersion` without the version; empty for the core's.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// `kind`.
    pub kind: &'static str,
}

/// Why an object was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// There is none of this name.
    #[error("there is no {kind} {name}")]
    NotThere {
        /// Its kind.
        kind: &'static str,
        /// Its namespace and name.
        name: String,
    },
    /// The cluster does not have the kind.
    #[error("the cluster does not have the kind {kind} of {group}")]
    NoKind {
        /// The kind.
        kind: &'static str,
        /// Its group.
        group: &'static str,
    },
    /// The user may not.
    #[error("may not be read: allow `get` on {kind} of {group} in {namespace}")]
    MayNot {
        /// The kind.
        kind: &'static str,
        /// Its group.
        group: &'static str,
        /// The namespace.
        namespace: String,
    },
    /// Something else.
    #[error("the API server did not answer: {0}")]
    Failed(String),
}

/// Reads one object of a namespace.
///
/// # Errors
/// See [`ObjectError`].
pub async fn object(client: &Client, kind: Kind, namespace: &str, name: &str) -> Result<Value, ObjectError> {
    let of = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk(&of));
    let answer = api.get(name).await;
    let found = answer.map_err(|error| match error {
        Error::Api(status) if status.code == 403 => ObjectError::MayNot {
            kind: kind.kind,
            group: kind.group,
            namespace: namespace.to_owned(),
        },
        // A path that the server does not know has no object in its answer.
        Error::Api(status) if status.code == 404 => match &status.details {
            Some(details) if !details.name.is_empty() => ObjectError::NotThere {
                kind: kind.kind,
                name: format!("{namespace}/{name}"),
            },
            _ => ObjectError::NoKind {
                kind: kind.kind,
                group: kind.group,
            },
        },
        other => ObjectError::Failed(other.to_string()),
    })?;
    serde_json::to_value(found).map_err(|error| ObjectError::Failed(error.to_string()))
}

/// The API server's minor version; nothing where it does not say.
pub async fn minor_version(client: &Client) -> Option<u32> {
    let info = client.apiserver_version().await.ok()?;
    // Clouds write `37+`.
    let digits: String = info.minor.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
