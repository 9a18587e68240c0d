//! What `deploy/kustomize` ships, applied to a real API server, and its identities as processes of the suite take them on.

use crate::controlplane::ControlPlane;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::Kubeconfig;
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where everything shipped is put.
pub(super) const NAMESPACE: &str = "heliotrope-system";
pub(super) const KUSTOMIZE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kustomize");

/// Applies every object of some folders; how many.
pub(super) async fn apply_shipped(admin: &kube::Client, folders: &[&str]) -> usize {
    let mut applied = 0;
    for folder in folders {
        let mut files: Vec<PathBuf> = std::fs::read_dir(Path::new(KUSTOMIZE).join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        // The namespace stands before what lies in it.
        files.sort_by_key(|file| !file.ends_with("namespace.yaml"));
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
            for document in documents
                .into_iter()
                .filter(|document| document["metadata"].is_object())
            {
                apply(admin, document, &file.display().to_string()).await;
                applied += 1;
            }
        }
        if *folder == "crds" {
            established(admin).await;
        }
    }
    applied
}

/// Waits until the API server serves every kind that is defined.
pub(super) async fn established(admin: &kube::Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(admin.clone());
    eventually("the API server serves what is defined", async || {
        let all = definitions.list(&ListParams::default()).await.unwrap();
        let served = |definition: &CustomResourceDefinition| {
            let conditions = definition
                .status
                .iter()
                .flat_map(|status| status.conditions.iter().flatten());
            conditions
                .into_iter()
                .any(|one| one.type_ == "Established" && one.status == "True")
        };
        all.items.iter().all(served).then_some(())
    })
    .await;
}

/// Applies one object, strictly; `from` says where it stands.
pub(super) async fn apply(admin: &kube::Client, document: Value, from: &str) {
    let object: DynamicObject = serde_json::from_value(document).unwrap();
    let types = object.types.clone().unwrap();
    let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(&types).unwrap());
    let name = object.metadata.name.clone().unwrap();
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(admin.clone(), namespace, &resource),
        None => Api::all_with(admin.clone(), &resource),
    };
    let strict = PatchParams {
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::apply("deploy-test").force()
    };
    api.patch(&name, &strict, &Patch::Apply(&object))
        .await
        .unwrap_or_else(|e| panic!("{from}: {} {name}: {e}", types.kind));
}

/// A token of a service account, for these audiences or, without any, for the API server.
pub(super) async fn requested_token(
    admin: &kube::Client,
    namespace: &str,
    account: &str,
    audiences: &[&str],
) -> String {
    let accounts: Api<ServiceAccount> = Api::namespaced(admin.clone(), namespace);
    let request: TokenRequest = serde_json::from_value(json!({ "spec": { "audiences": audiences } })).unwrap();
    let how = PostParams::default();
    let issued = accounts.create_token_request(account, &how, &request).await;
    issued.unwrap().status.unwrap().token
}

/// The token that the control plane puts into the shipped Secret.
pub(super) async fn reader_token(admin: &kube::Client) -> String {
    let secrets: Api<Secret> = Api::namespaced(admin.clone(), NAMESPACE);
    eventually("the control plane fills the reader's Secret", async || {
        let data = secrets.get("heliotrope-reader-token").await.unwrap().data?;
        assert!(data.contains_key("ca.crt") && data.contains_key("namespace") || !data.contains_key("token"));
        String::from_utf8(data.get("token")?.0.clone()).ok()
    })
    .await
}

/// Writes the administrator's kubeconfig with a token in place of the certificate.
pub(super) fn kubeconfig(plane: &ControlPlane, user: &str, token: &str) -> PathBuf {
    let admin = Kubeconfig::read_from(plane.kubeconfig()).unwrap();
    let cluster = admin.clusters[0].cluster.clone().unwrap();
    let file = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "e2e",
        "clusters": [{ "name": "e2e", "cluster": {
            "server": cluster.server, "certificate-authority": cluster.certificate_authority,
        } }],
        "users": [{ "name": user, "user": { "token": token } }],
        "contexts": [{ "name": "e2e", "context": { "cluster": "e2e", "user": user } }],
    });
    let path = plane.folder().join(format!("kubeconfig-{user}"));
    std::fs::write(&path, file.to_string()).unwrap();
    path
}

/// Asks again until there is an answer, for half a minute.
pub(super) async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(Duration::from_secs(30), what, ask).await
}

/// Asks again until there is an answer.
pub(super) async fn within<T>(patience: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + patience;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
