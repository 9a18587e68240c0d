use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::path::Path;

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read.
    #[error("cluster.kubeconfig cannot be used: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// Neither a service account nor a kubeconfig was found.
    #[error("no cluster found: set cluster.kubeconfig, or run in a pod with a service account: {0}")]
    Nothing(#[from] kube::config::InferConfigError),
    /// The client cannot be built.
    #[error("kubernetes client cannot be built: {0}")]
    Client(#[from] kube::Error),
}

/// A client of the cluster that the settings name, or of the one that this process runs in.
///
/// # Errors
/// See [`ConnectError`]. An API server that does not answer is not an error here: watches wait for it.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    let config = match kubeconfig {
        Some(path) => {
            Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?
        }
        None => Config::infer().await?,
    };
    Ok(Client::try_from(config)?)
}
