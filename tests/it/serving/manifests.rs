//! What is applied to a cluster belongs together.

use super::example;
use serde_json::Value;

fn document(file: &str) -> Value {
    let text = std::fs::read_to_string(example(file)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// The server's arguments in the Deployment.
pub(super) fn arguments() -> Vec<String> {
    let deployment = document("deployment.yaml");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    strings(&container["args"]).into_iter().map(str::to_owned).collect()
}

/// Every PromQL query of the Rightsizer.
pub(super) fn queries() -> Vec<(String, String)> {
    let spec = &document("rightsizer.yaml")["spec"];
    let mut found = Vec::new();
    for source in spec["sources"].as_array().unwrap() {
        let (metric, query) = (&source["metric"], &source["query"]);
        found.push((metric.as_str().unwrap().to_owned(), query.as_str().unwrap().to_owned()));
    }
    for key in ["response", "queueAge"] {
        found.push((
            key.to_owned(),
            spec["latency"][key]["query"].as_str().unwrap().to_owned(),
        ));
    }
    found
}

#[test]
fn everything_selects_the_pods_of_the_deployment() {
    let deployment = document("deployment.yaml");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert!(
        deployment["spec"]["replicas"].is_null(),
        "it would fight whoever scales"
    );
    let service = document("service.yaml");
    assert_eq!(&service["spec"]["selector"], labels);
    for file in ["scrape/pod-monitor.yaml", "scrape/service-monitor.yaml"] {
        let monitor = document(file);
        assert_eq!(&monitor["spec"]["selector"]["matchLabels"], labels, "{file}");
        let endpoints = ["podMetricsEndpoints", "endpoints"].map(|key| monitor["spec"][key][0]["port"].clone());
        assert!(endpoints.contains(&"http".into()), "{file}");
    }
    assert_eq!(
        &service["metadata"]["labels"], labels,
        "what a ServiceMonitor selects by"
    );
    let scrape = &document("scrape/prometheus.yaml")["scrape_configs"][0];
    let name = labels["app.kubernetes.io/name"].as_str().unwrap();
    assert_eq!(scrape["relabel_configs"][0]["regex"], format!("{name};http"));
    let target = &document("rightsizer.yaml")["spec"]["scaleTargetRef"];
    assert_eq!(
        (&target["kind"], &target["name"]),
        (&deployment["kind"], &deployment["metadata"]["name"])
    );
}

#[test]
fn all_is_in_one_namespace_and_what_runs_is_in_the_config_map() {
    let namespace = document("namespace.yaml")["metadata"]["name"].clone();
    let kustomization = document("kustomization.yaml");
    assert_eq!(kustomization["namespace"], namespace);
    for file in [
        "deployment.yaml",
        "service.yaml",
        "rightsizer.yaml",
        "scrape/pod-monitor.yaml",
        "scrape/service-monitor.yaml",
    ] {
        assert_eq!(document(file)["metadata"]["namespace"], namespace, "{file}");
    }
    let selected = format!("namespace=\"{}\"", namespace.as_str().unwrap());
    for (name, query) in queries() {
        assert!(query.contains(&selected), "{name}: {query}");
    }
    let map = &kustomization["configMapGenerator"][0];
    let pod = &document("deployment.yaml")["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][0]["configMap"]["name"], map["name"]);
    let program = strings(&pod["containers"][0]["command"])[1];
    let mounted = pod["containers"][0]["volumeMounts"][0]["mountPath"].as_str().unwrap();
    for file in strings(&map["files"]) {
        assert!(example(file).exists(), "{file}");
    }
    let file = program.strip_prefix(mounted).unwrap().trim_start_matches('/');
    assert!(strings(&map["files"]).contains(&file), "{program}");
}

#[test]
fn its_container_is_restricted() {
    let pod = &document("deployment.yaml")["spec"]["template"]["spec"];
    let context = &pod["containers"][0]["securityContext"];
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
}
