//! A cluster looked at through an API server that the test plays: what is planted is found, what may not be read is said.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Output};
use std::sync::Arc;

const NODES: &str = "api/v1/nodes";
const PODS: &str = "api/v1/pods";
const MAPS: &str = "api/v1/namespaces/kube-system/configmaps";
const OUR_MAPS: &str = "api/v1/namespaces/heliotrope-system/configmaps";
const CLASSES: &str = "apis/resource.k8s.io/v1/deviceclasses";
const CLAIMS: &str = "apis/resource.k8s.io/v1/resourceclaims";

/// Lists by path; a path that is not there is one that the user may not read.
type Lists = BTreeMap<&'static str, Vec<Value>>;

async fn answer(State(lists): State<Arc<Lists>>, Path(path): Path<String>) -> Response {
    let status = |code: u16| {
        let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "no", "reason": "Forbidden", "code": code });
        (StatusCode::from_u16(code).unwrap(), status.to_string()).into_response()
    };
    match lists.get(path.as_str()) {
        Some(items) => json!({ "kind": "List", "apiVersion": "v1", "metadata": {}, "items": items })
            .to_string()
            .into_response(),
        None => status(403),
    }
}

/// Runs the command against an API server with these lists.
async fn check(lists: Lists, settings: Option<&str>) -> (Option<i32>, Value) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/{*path}", get(answer)).with_state(Arc::new(lists));
    let served = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let file = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let kubeconfig = file(&format!(
        "{{apiVersion: v1, kind: Config, current-context: x, contexts: [{{name: x, context: {{cluster: x, user: x}}}}], clusters: [{{name: x, cluster: {{server: 'http://{address}'}}}}], users: [{{name: x, user: {{}}}}]}}"
    ));
    let settings = settings.map(file);
    let output: Output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heliotrope"));
        command.env_remove("HELIOTROPE_CONFIG").env("NO_PROXY", "127.0.0.1");
        command
            .args(["check", "--cluster", "-o", "json", "--kubeconfig"])
            .arg(kubeconfig.path());
        if let Some(settings) = &settings {
            command.arg("--config").arg(settings.path());
        }
        command.output().unwrap()
    })
    .await
    .unwrap();
    served.abort();
    let told = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), told)
}

fn node(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "labels": {
            "topology.kubernetes.io/region": "eu-north-1", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
        } },
        "spec": { "providerID": format!("aws:///eu-north-1a/{name}") },
        "status": { "allocatable": { "cpu": "100", "memory": "768Gi", "nvidia.com/gpu": "8" } },
    })
}

fn pod(name: &str, node: &str, gpus: u32) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "ml", "uid": name },
        "spec": { "nodeName": node, "schedulerName": "heliotrope", "containers": [
            { "name": "main", "image": "x", "resources": { "limits": { "cpu": "1", "nvidia.com/gpu": gpus.to_string() } } },
        ] },
        "status": { "phase": "Running" },
    })
}

fn config_map(text: &str) -> Value {
    json!({ "metadata": { "name": "scheduler", "namespace": "kube-system" }, "data": { "config.yaml": text } })
}

fn shipped() -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/scheduler/kube-scheduler-config.yaml"
    );
    std::fs::read_to_string(path).unwrap()
}

/// A cluster in which nothing stands in the way.
fn clean() -> Lists {
    let scheduler = json!({
        "metadata": { "name": "s", "namespace": "kube-system", "uid": "s" },
        "spec": { "containers": [{ "name": "s", "image": "registry.k8s.io/kube-scheduler:v1" }],
            "volumes": [{ "name": "c", "configMap": { "name": "scheduler" } }] },
    });
    BTreeMap::from([
        (NODES, vec![node("a"), node("b")]),
        (PODS, vec![scheduler, pod("gpu", "a", 1), pod("beside-it", "a", 0)]),
        (MAPS, vec![config_map(&shipped())]),
        (OUR_MAPS, vec![]),
        (CLASSES, vec![]),
        (CLAIMS, vec![]),
    ])
}

fn codes(told: &Value) -> Vec<&str> {
    let mut codes: Vec<&str> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    codes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_cluster_has_no_finding() {
    let (code, told) = check(clean(), None).await;
    assert_eq!((code, codes(&told)), (Some(0), vec![]), "{told:#}");
    assert_eq!(told["ok"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cpu_pods_that_keep_a_gpu_node_awake_are_found_with_its_watts() {
    let mut lists = clean();
    lists.get_mut(PODS).unwrap().push(pod("cpu", "b", 0));
    let (code, told) = check(lists.clone(), None).await;
    assert_eq!(
        (code, codes(&told)),
        (Some(3), vec!["cpu-pods-keep-gpu-node-awake"]),
        "{told:#}"
    );
    let subject = told["findings"][0]["subjects"][0].as_str().unwrap();
    // 8 boards at what the profile says of an idle one, and 100 vCPU at 0.74 W.
    let gpus = heliotrope::app::tables::Tables::builtin().unwrap().gpus.catalogue;
    let bare = gpus.profile(gpus.find("NVIDIA-H100-80GB-HBM3").unwrap()).unwrap().bare;
    assert_eq!(subject, format!("b: {:.0} W for ml/cpu", 8.0 * bare.get() + 74.0));
    // A taint keeps such pods away: who is there was let in.
    lists.get_mut(NODES).unwrap()[1]["spec"]["taints"] = json!([{ "key": "nvidia.com/gpu", "effect": "NoSchedule" }]);
    assert_eq!(codes(&check(lists.clone(), None).await.1), Vec::<&str>::new());
    lists.get_mut(NODES).unwrap()[1]["spec"]["taints"] =
        json!([{ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" }]);
    assert_eq!(codes(&check(lists, None).await.1), ["cpu-pods-keep-gpu-node-awake"]);
}

/// What runs on every node, what has ended and what has GPUs in another way keep nothing awake that would sleep without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_keep_no_node_awake_are_left_out() {
    let owned = |kind: &str| {
        let mut pod = pod(&kind.to_lowercase(), "b", 0);
        pod["metadata"]["ownerReferences"] =
            json!([{ "apiVersion": "v1", "kind": kind, "name": "x", "uid": "x", "controller": true }]);
        pod
    };
    let mut ended = pod("ended", "b", 0);
    ended["status"]["phase"] = json!("Succeeded");
    let mut lists = clean();
    lists
        .get_mut(PODS)
        .unwrap()
        .extend([owned("DaemonSet"), owned("Node"), ended]);
    let (_, told) = check(lists.clone(), None).await;
    assert_eq!(codes(&told), Vec::<&str>::new(), "{told:#}");
    let pods = lists.get_mut(PODS).unwrap();
    pods.push(owned("ReplicaSet"));
    let (_, told) = check(lists.clone(), None).await;
    assert_eq!(codes(&told), ["cpu-pods-keep-gpu-node-awake"], "{told:#}");
    let subject = told["findings"][0]["subjects"][0].as_str().unwrap();
    assert!(subject.ends_with(" W for ml/replicaset"), "{subject}");
    // A pod that gets its GPUs by a claim is what the node is there for.
    let mut claims = pod("claims", "b", 0);
    claims["spec"]["resourceClaims"] = json!([{ "name": "gpu", "resourceClaimName": "gpu" }]);
    lists.get_mut(PODS).unwrap().push(claims);
    let (_, told) = check(lists, None).await;
    assert!(!codes(&told).contains(&"cpu-pods-keep-gpu-node-awake"), "{told:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_which_something_is_not_known_are_found() {
    let mut lists = clean();
    let mut placeless = node("placeless");
    placeless["metadata"]["labels"]
        .as_object_mut()
        .unwrap()
        .remove("topology.kubernetes.io/region");
    let mut moon = node("moon");
    moon["metadata"]["labels"]["topology.kubernetes.io/region"] = json!("moon-1");
    let mut unlabelled = node("unlabelled");
    unlabelled["metadata"]["labels"]
        .as_object_mut()
        .unwrap()
        .remove("nvidia.com/gpu.product");
    let mut odd = node("odd");
    odd["metadata"]["labels"]["nvidia.com/gpu.product"] = json!("NVIDIA-Z9000");
    odd["status"]["allocatable"]["amd.com/gpu"] = json!("1");
    // Without GPUs nobody asks.
    let cpu = json!({ "metadata": { "name": "cpu" }, "status": { "allocatable": { "cpu": "8" } } });
    lists
        .get_mut(NODES)
        .unwrap()
        .extend([placeless, moon, unlabelled, odd, cpu]);
    let expected = [
        "no-gpu-model",
        "no-region",
        "unknown-gpu-model",
        "unknown-region",
        "unmanaged-resource",
    ];
    let (code, told) = check(lists.clone(), None).await;
    assert_eq!((code, codes(&told)), (Some(3), expected.to_vec()), "{told:#}");
    let settings = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\n";
    let (_, told) = check(lists, Some(settings)).await;
    assert!(
        codes(&told).contains(&"zone-without-source"),
        "settings that are given are held to it: {told:#}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing_is_a_finding() {
    for (path, what) in [
        (NODES, "nodes"),
        (PODS, "pods"),
        (MAPS, "configmaps in kube-system"),
        (CLAIMS, "deviceclasses and resourceclaims"),
    ] {
        let mut lists = clean();
        lists.remove(path);
        let (code, told) = check(lists, None).await;
        assert_eq!(code, Some(3), "{told:#}");
        let rights = &told["findings"][0];
        assert_eq!(
            (&rights["code"], &rights["subjects"]),
            (&json!("may-not-read"), &json!([what])),
            "{told:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedulers_are_held_against_the_cluster() {
    let mut lists = clean();
    let mut other = pod("other", "a", 1);
    other["spec"]["schedulerName"] = json!("default-scheduler");
    lists.get_mut(PODS).unwrap().push(other);
    lists.insert(CLASSES, vec![json!({ "metadata": { "name": "gpu.example.com" } })]);
    let slip = shipped().replace("ignorable: true", "ignorable: false");
    lists.insert(OUR_MAPS, vec![config_map(&slip)]);
    let (_, told) = check(lists, None).await;
    assert_eq!(
        codes(&told),
        ["managed-with-dra", "not-ignorable", "several-schedulers"],
        "{told:#}"
    );
    let place = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["code"] == "not-ignorable")
        .unwrap();
    assert_eq!(
        place["place"]["file"],
        "configmap heliotrope-system/scheduler config.yaml (no pod mounts it)"
    );

    let mut lists = clean();
    lists.insert(MAPS, vec![]);
    let (code, told) = check(lists, None).await;
    assert_eq!(
        (code, codes(&told)),
        (Some(0), vec!["no-scheduler-config-seen"]),
        "{told:#}"
    );
    assert_eq!(told["findings"][0]["subjects"], json!(["kube-system/s"]));
}
