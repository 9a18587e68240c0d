use crate::cluster::{Kind, ObjectError, connect, object};
use anyhow::Context;
use clap::Args;
use kube::Client;
use serde_json::Value;
use std::path::PathBuf;
use std::str::FromStr;

/// Namespace and name of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What names of objects may consist of: a name becomes part of a path.
        let part = |text: &str| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
            let fits =
                (1..=253).contains(&text.len()) && text.chars().all(fits) && text.starts_with(char::is_alphanumeric);
            fits.then(|| text.to_owned())
        };
        let parts = text
            .split_once('/')
            .and_then(|(namespace, name)| part(namespace).zip(part(name)));
        let (namespace, name) = parts.ok_or("give namespace and name, such as ml/llm")?;
        Ok(Self { namespace, name })
    }
}

/// The cluster to ask.
#[derive(Debug, Args)]
pub(super) struct Cluster {
    /// Kubeconfig; else that of KUBECONFIG, of ~/.kube/config, or of the pod
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl Cluster {
    /// A client. An API server that does not answer is found out by asking it.
    pub(super) async fn client(&self) -> anyhow::Result<Client> {
        connect(self.kubeconfig.as_deref()).await.context("give --kubeconfig")
    }
}

/// Reads an object; errors name what was asked for.
pub(super) async fn read(client: &Client, kind: Kind, place: &Place) -> anyhow::Result<Value> {
    let found = object(client, kind, &place.namespace, &place.name).await;
    found.map_err(|error| match error {
        ObjectError::NoKind { .. } if kind.group == "heliotrope.dev" => {
            anyhow::anyhow!("{error}: install it with `heliotrope crds | kubectl apply -f -`")
        }
        other => anyhow::anyhow!("{}/{}: {other}", place.namespace, place.name),
    })
}

/// Runs what asks the cluster.
pub(super) fn block_on<T>(asking: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().context("no runtime")?.block_on(asking)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_lead_elsewhere_is_no_place() {
        let place: Place = "ml/llm-7b.v2".parse().unwrap();
        assert_eq!((place.namespace.as_str(), place.name.as_str()), ("ml", "llm-7b.v2"));
        for text in ["llm", "/llm", "ml/", "ml/a/b", "ml/..", "ml/A", "ml/a?x=1", "ml/ü"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
