//! What is shipped to clusters: it parses, it is one thing in all its copies, and Heliotrope may only read.
//!
//! Whether a real API server takes it is shown by the suite on the real control plane.

use serde_json::Value;
use std::path::{Path, PathBuf};

const SCHEDULER: &str = "config/scheduler/kube-scheduler-config.yaml";
const BASE: &str = "deploy/kustomize/base";
const KUBEADM: &str = "deploy/kustomize/overlays/kubeadm";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn documents(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn document(path: &str) -> Value {
    let mut all = documents(path);
    assert_eq!(all.len(), 1, "{path} has one document");
    all.remove(0)
}

/// Every YAML file that is deployed, from the root of the repository.
fn files() -> Vec<String> {
    let is_yaml = |path: &Path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
    };
    let found: Vec<String> = ["deploy", "config/scheduler"]
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(root().join(folder)).sort_by_file_name())
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| is_yaml(path))
        .map(|path| path.strip_prefix(root()).unwrap().display().to_string())
        .collect();
    assert!(found.len() > 10, "too few files found: {found:?}");
    found
}

/// Every object that is applied, with the file it stands in.
fn objects() -> Vec<(String, Value)> {
    let applied = files()
        .into_iter()
        .filter(|path| path.starts_with("deploy/") && !path.contains("/control-plane/"));
    let all = applied.flat_map(|path| documents(&path).into_iter().map(move |object| (path.clone(), object)));
    all.filter(|(_, object)| object["metadata"]["name"].is_string())
        .collect()
}

#[test]
fn every_file_parses() {
    for path in files() {
        let all = documents(&path);
        assert!(
            !all.is_empty() && all.iter().all(|one| !one.is_null()),
            "{path} has an empty document"
        );
    }
}

#[test]
fn kustomizations_name_files_that_exist() {
    for path in files().into_iter().filter(|path| path.ends_with("kustomization.yaml")) {
        let folder = PathBuf::from(&path).parent().unwrap().to_owned();
        let resources = document(&path)["resources"].as_array().unwrap().clone();
        for resource in resources {
            let resource = folder.join(resource.as_str().unwrap());
            assert!(
                root().join(&resource).exists(),
                "{path}: {} does not exist",
                resource.display()
            );
        }
    }
}

#[test]
fn heliotrope_may_only_read_and_ask_who_callers_are() {
    let roles: Vec<_> = objects()
        .into_iter()
        .filter(|(_, object)| object["kind"] == "ClusterRole" || object["kind"] == "Role")
        .filter(|(_, object)| object["metadata"]["name"] == "heliotrope-reader")
        .collect();
    assert_eq!(roles.len(), 2, "one for the second scheduler, one for kubeadm");
    for (path, role) in roles {
        let allowed = serde_json::json!([
            {"apiGroups": [""], "resources": ["nodes", "pods", "persistentvolumeclaims"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get", "list", "watch"]},
            {
                "apiGroups": ["resource.k8s.io"],
                "resources": ["deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices"],
                "verbs": ["get", "list", "watch"],
            },
            {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
            {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
        ]);
        assert_eq!(role["rules"], allowed, "{path}");
    }
}

#[test]
fn the_check_may_only_list() {
    let roles: Vec<_> = objects()
        .into_iter()
        .filter(|(_, object)| object["metadata"]["name"] == "heliotrope-check")
        .collect();
    assert_eq!(roles.len(), 3);
    for (path, role) in roles {
        assert!(path.starts_with("deploy/kustomize/check/"), "{path}");
        for rule in role["rules"].as_array().unwrap() {
            assert_eq!(rule["verbs"], serde_json::json!(["list"]), "{path}");
        }
        let maps = role["rules"].to_string().contains("configmaps");
        assert_eq!(
            maps,
            role["kind"] == "Role",
            "{path}: ConfigMaps of named namespaces alone"
        );
    }
}

#[test]
fn heliotrope_has_no_other_role_unless_it_is_to_write_events() {
    let ours = |subject: &Value| subject["name"] == "heliotrope-reader" || subject["name"] == "heliotrope";
    let mut bindings = 0;
    for (path, object) in objects() {
        let subjects = object["subjects"].as_array().cloned().unwrap_or_default();
        if subjects.iter().any(ours) {
            bindings += 1;
            let optional = path.starts_with("deploy/kustomize/events/");
            let role = if optional {
                "heliotrope-events"
            } else {
                "heliotrope-reader"
            };
            assert_eq!(object["roleRef"]["name"], role, "{path}");
            assert_eq!(subjects.len(), 1, "{path}");
        }
    }
    assert_eq!(bindings, 3);
    let of_events = objects()
        .into_iter()
        .filter(|(path, object)| path.contains("/events/") && object["kind"] == "ClusterRole");
    let rules: Vec<Value> = of_events.map(|(_, object)| object["rules"].clone()).collect();
    let create = serde_json::json!([{"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]}]);
    assert_eq!(rules, [create]);
}

#[test]
fn each_container_holds_only_its_own_identity() {
    let deployment = document(&format!("{BASE}/deployment.yaml"));
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    let identities: Vec<(String, Vec<String>)> = pod["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|container| {
            let mounts = container["volumeMounts"].as_array().unwrap();
            let names = mounts.iter().map(|mount| mount["name"].as_str().unwrap().to_owned());
            let identities = names.filter(|name| name.ends_with("-identity")).collect();
            (container["name"].as_str().unwrap().to_owned(), identities)
        })
        .collect();
    let held = |name: &str, identity: &str| (name.to_owned(), vec![identity.to_owned()]);
    assert_eq!(
        identities,
        [
            held("kube-scheduler", "scheduler-identity"),
            held("heliotrope", "reader-identity")
        ]
    );
}

/// Whoever names the account in a pod gets no token by that, and the token of the Secret is that of no other account.
#[test]
fn the_reader_has_its_token_from_its_secret_alone() {
    let named = |kind: &str, name: &str| {
        let found = objects()
            .into_iter()
            .find(|(_, object)| object["kind"] == kind && object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}")).1
    };
    let account = named("ServiceAccount", "heliotrope-reader");
    assert_eq!(account["automountServiceAccountToken"], false);
    let secret = named("Secret", "heliotrope-reader-token");
    let of = &secret["metadata"]["annotations"]["kubernetes.io/service-account.name"];
    assert_eq!(of, "heliotrope-reader");
    assert_eq!(secret["metadata"]["namespace"], account["metadata"]["namespace"]);
}

#[test]
fn every_container_is_restricted() {
    let deployment = document(&format!("{BASE}/deployment.yaml"));
    let mut containers = deployment["spec"]["template"]["spec"]["containers"]
        .as_array()
        .unwrap()
        .clone();
    let patch = document(&format!("{KUBEADM}/control-plane/patches/kube-scheduler+json.yaml"));
    let added = patch
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["path"] == "/spec/containers/-");
    containers.push(added.unwrap()["value"].clone());
    assert_eq!(containers.len(), 3);
    for container in containers {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false, "{container}");
        assert_eq!(context["readOnlyRootFilesystem"], true, "{container}");
        assert_eq!(
            context["capabilities"]["drop"],
            serde_json::json!(["ALL"]),
            "{container}"
        );
        assert!(container["livenessProbe"]["httpGet"]["path"] == "/livez", "{container}");
    }
}

#[test]
fn the_pod_does_not_wait_for_its_own_scheduler() {
    let deployment = document(&format!("{BASE}/deployment.yaml"));
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["schedulerName"], "default-scheduler");
    assert_eq!(pod["priorityClassName"], "system-cluster-critical");
}

#[test]
fn the_base_carries_the_scheduler_configuration_unchanged() {
    assert_eq!(
        read(&format!("{BASE}/kube-scheduler-config.yaml")),
        read(SCHEDULER),
        "copy {SCHEDULER} to {BASE}"
    );
}

#[test]
fn kubeadm_has_the_same_profile_and_extender() {
    let shipped = document(SCHEDULER);
    let kubeadm = document(&format!("{KUBEADM}/control-plane/kube-scheduler-config.yaml"));
    assert_eq!(kubeadm["extenders"], shipped["extenders"]);
    assert_eq!(
        kubeadm["profiles"][0],
        serde_json::json!({"schedulerName": "default-scheduler"})
    );
    assert_eq!(kubeadm["profiles"][1], shipped["profiles"][0]);
}

#[test]
fn the_extender_is_asked_on_loopback_and_may_fail() {
    let shipped = document(SCHEDULER);
    let extender = &shipped["extenders"][0];
    let wanted = serde_json::json!({
        "urlPrefix": "http://127.0.0.1:8650",
        "filterVerb": "filter",
        "prioritizeVerb": "prioritize",
        "preemptVerb": "preempt",
        "weight": 5,
        "nodeCacheCapable": true,
        "ignorable": true,
        "httpTimeout": "500ms",
        "managedResources": [{"name": "nvidia.com/gpu", "ignoredByScheduler": false}],
    });
    assert_eq!(extender, &wanted);
    assert_eq!(shipped["profiles"][0]["percentageOfNodesToScore"], 100);
}

#[test]
fn the_settings_of_the_base_are_right_and_reach_the_probes() {
    let path = format!("{BASE}/heliotrope.yaml");
    let loaded =
        heliotrope::app::settings::load(&root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let settings = loaded.settings;
    assert!(
        !settings.admin.listen.ip().is_loopback(),
        "the kubelet probes the pod's address"
    );
    assert!(
        settings.extender.listen.ip().is_loopback(),
        "nobody but the scheduler beside it may ask"
    );
    let deployment = document(&format!("{BASE}/deployment.yaml"));
    let heliotrope = &deployment["spec"]["template"]["spec"]["containers"][1];
    assert_eq!(heliotrope["ports"][0]["containerPort"], settings.admin.listen.port());
    let shipped = document(SCHEDULER);
    assert_eq!(
        shipped["extenders"][0]["urlPrefix"],
        format!("http://{}", settings.extender.listen)
    );
}

/// The root filesystem is read-only: the folder of the history is the one place that Heliotrope writes to, in both ways to
/// run it.
#[test]
fn history_has_a_folder_of_its_own_that_can_be_written() {
    let shipped = root().join(format!("{BASE}/heliotrope.yaml"));
    let settings = heliotrope::app::settings::load(&shipped).unwrap().settings;
    let dir = settings.history.dir.expect("the base keeps its history");
    let deployment = document(&format!("{BASE}/deployment.yaml"));
    let pod = &deployment["spec"]["template"]["spec"];
    let patch = document(&format!("{KUBEADM}/control-plane/patches/kube-scheduler+json.yaml"));
    let added = |path: &str, name: &str| {
        let mut steps = patch.as_array().unwrap().iter().filter(|step| step["path"] == path);
        steps
            .find(|step| step["value"]["name"] == name)
            .map(|step| step["value"].clone())
    };
    let (container, volume) = (
        added("/spec/containers/-", "heliotrope").unwrap(),
        added("/spec/volumes/-", "heliotrope-history").unwrap(),
    );
    let volumes = pod["volumes"].as_array().unwrap().clone();
    for (container, volumes) in [(pod["containers"][1].clone(), volumes), (container, vec![volume])] {
        let writable: Vec<&Value> = container["volumeMounts"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|mount| mount["readOnly"] != true)
            .collect();
        assert_eq!(writable.len(), 1, "{container}");
        assert_eq!(writable[0]["mountPath"], dir.to_str().unwrap());
        let mounted = volumes
            .iter()
            .find(|volume| volume["name"] == writable[0]["name"])
            .unwrap();
        assert!(mounted["emptyDir"]["sizeLimit"].is_string(), "{mounted}");
    }
}

#[test]
fn the_controllers_may_write_what_they_decide_and_nothing_else() {
    let mut writes = std::collections::BTreeSet::new();
    for (path, role) in objects() {
        if !path.contains("/rightsizer/") || !role["kind"].as_str().unwrap().ends_with("Role") {
            continue;
        }
        for rule in role["rules"].as_array().unwrap() {
            for resource in rule["resources"].as_array().unwrap() {
                for verb in rule["verbs"].as_array().unwrap() {
                    let (resource, verb) = (resource.as_str().unwrap(), verb.as_str().unwrap());
                    if !["get", "list"].contains(&verb) {
                        writes.insert(format!("{verb} {resource}"));
                    }
                }
            }
        }
    }
    let allowed = [
        "create events",
        "create leases",
        "patch deployments/scale",
        "patch horizontalpodautoscalers",
        "patch leaderworkersets/scale",
        "patch pods",
        "patch replicasets/scale",
        "patch rightsizers",
        "patch scaledobjects",
        "patch statefulsets/scale",
        "update leases",
        "update rightsizers/status",
    ];
    assert_eq!(writes, allowed.map(str::to_owned).into());
}
