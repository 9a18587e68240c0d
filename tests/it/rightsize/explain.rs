//! `heliotrope rightsize explain`: a Rightsizer and a lease in, the plan's steps and what is remembered out.

use super::{FakeApiServer, run, told};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const PATH: &str = "apis/heliotrope.dev/v1alpha1/namespaces/ml/rightsizers/llm";
const LEASE: &str = "apis/coordination.k8s.io/v1/namespaces/heliotrope-system/leases/heliotrope-controllers";

fn ago(seconds: i64) -> Timestamp {
    heliotrope::telemetry::system_clock()() - SignedDuration::from_secs(seconds)
}

fn rightsizer() -> Value {
    json!({
        "apiVersion": "heliotrope.dev/v1alpha1", "kind": "Rightsizer",
        "metadata": { "name": "llm", "namespace": "ml", "generation": 3 },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "llm" },
            "mode": "recommend", "minReplicas": 1, "maxReplicas": 10,
            "metrics": [{ "type": "Pods", "pods": { "metric": { "name": "queue_depth" }, "target": { "type": "AverageValue", "averageValue": "4" } } }],
            "sources": [{ "metric": "queue_depth", "preset": { "server": "vllm", "measure": "queueDepth" } }],
            "behavior": { "scaleDown": { "stabilizationWindowSeconds": 300, "policies": [{ "type": "Pods", "value": 2, "periodSeconds": 600 }] } },
            "latency": { "response": { "limit": "2s", "query": "p99" }, "stepPods": 1, "every": "10m" },
            "carbon": { "above": { "enter": "300 g/kWh", "leave": "250 g/kWh" }, "maxReplicas": 5 },
        },
        "status": {
            "observedGeneration": 3, "currentReplicas": 4, "desiredReplicas": 5, "floor": 1, "ceiling": 5,
            "steps": [
                { "stage": "metrics", "replicas": 8, "reason": "Metric", "message": "metrics[0] asks for the most" },
                { "stage": "latency", "replicas": 8, "reason": "Calm", "message": "calm" },
                { "stage": "carbon", "replicas": 5, "reason": "Dirty", "message": "at most 5 while the grid is dirty at 410 g/kWh" },
            ],
            "conditions": [{ "type": "Ready", "status": "True", "reason": "Planned", "message": "the plan is made", "lastTransitionTime": ago(3600), "observedGeneration": 3 }],
            "memory": {
                "recommendations": [{ "at": ago(200), "replicas": 7 }, { "at": ago(100), "replicas": 6 }, { "at": ago(10), "replicas": 5 }, { "at": ago(900), "replicas": 9 }],
                "events": [{ "at": ago(120), "change": -2 }, { "at": ago(60), "change": 1 }, { "at": ago(700), "change": -1 }],
                "stepped": ago(60), "dirty": true,
            },
            "lastScaleTime": ago(60),
        },
    })
}

fn lease(renewed: i64, holder: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "heliotrope-controllers" },
        "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": ago(renewed) },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_is_told_with_what_would_have_been_without_it() {
    let server = FakeApiServer::start([(PATH, rightsizer()), (LEASE, lease(3, "controller-a"))]).await;
    let output = server.run(&["explain", "ml/llm", "-o", "json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output.stderr));
    let view: Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps: Vec<(i64, i64)> = view["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["without"].as_i64().unwrap(), step["replicas"].as_i64().unwrap()))
        .collect();
    assert_eq!(steps, [(4, 8), (8, 8), (8, 5)]);
    assert_eq!(view["currency"]["holder"], "controller-a");
    let remembered = &view["remembered"];
    // Of the last 300 s the highest; the one of 900 s ago counts no more.
    assert_eq!(
        remembered["windows"],
        json!([{ "direction": "down", "seconds": 300, "extreme": 7, "until": remembered["windows"][0]["until"] }])
    );
    let down = remembered["rates"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&down["policy"], &down["used"]),
        (&json!("2 pods in 600 s"), &json!(-2))
    );
    assert!(
        remembered["noStepBefore"].is_string() && remembered["noCarbonBoundUntil"].is_null(),
        "{remembered}"
    );
    assert_eq!(server.asked(), [PATH, LEASE], "it reads these and writes nothing");

    let table = server.run(&["explain", "ml/llm"]).await;
    let table = told(&table.stdout);
    for part in [
        "ml/llm: 4 replicas, 5 wanted (mode recommend; Deployment llm, 1 to 10 replicas, arithmetic of 1.37)",
        "carbon   5         8           at most 5 while the grid is dirty",
        "latency  8                     calm",
        "window on the way down (300 s): the highest was 7",
        "rate on the way down (2 pods in 600 s): -2 in it",
        "apart from metrics: at least 1, at most 5",
    ] {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    assert!(!table.contains("NOT OF NOW"), "{table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_is_not_of_now_is_told_so() {
    let changed = |key: &str, value: Value| {
        let mut one = rightsizer();
        *one.pointer_mut(key).unwrap() = value;
        one
    };
    for (one, lease, part) in [
        (
            rightsizer(),
            Some(lease(600, "controller-a")),
            "controller-a renewed the Lease",
        ),
        (rightsizer(), Some(lease(3, "")), "nobody holds the Lease"),
        (rightsizer(), None, "nobody holds the Lease"),
        (
            changed("/metadata/generation", json!(4)),
            Some(lease(3, "a")),
            "the spec has changed since",
        ),
        (
            changed("/status", json!({})),
            Some(lease(3, "a")),
            "no controller has looked at it yet",
        ),
    ] {
        let other = LEASE.replace("heliotrope-controllers", "other").leak();
        let lease = lease.map_or((&*other, json!({})), |lease| (LEASE, lease));
        let server = FakeApiServer::start([(PATH, one), lease]).await;
        let output = server.run(&["explain", "ml/llm"]).await;
        assert_eq!(output.status.code(), Some(3), "{part}");
        let text = told(&output.stdout);
        assert!(
            text.contains("NOT OF NOW") && text.contains(part),
            "{part} is not in\n{text}"
        );
    }
    // Whoever may not read leases still sees the plan, and that it is not known whether it is of now.
    let server = FakeApiServer::start([(PATH, rightsizer()), (LEASE, Value::Null)]).await;
    let output = server.run(&["explain", "ml/llm"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(told(&output.stdout).contains("not known: whether a controller runs"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_with_an_exit_code() {
    let mut one = rightsizer();
    one["status"]["conditions"][0]["status"] = "False".into();
    one["spec"]["carbon"]["maxPercent"] = 50.into();
    let server = FakeApiServer::start([(PATH, one.clone()), (LEASE, lease(3, "a"))]).await;
    let output = server.run(&["explain", "ml/llm"]).await;
    assert_eq!(output.status.code(), Some(4));
    assert!(
        told(&output.stdout).contains("WRONG: spec.carbon"),
        "{}",
        told(&output.stdout)
    );
    let file = run(&["explain", "-f", "-"], &one.to_string());
    assert_eq!(file.status.code(), Some(4));
    assert!(told(&file.stdout).contains("it was read from a file"));
    assert_eq!(server.run(&["explain", "ml/none"]).await.status.code(), Some(1));

    let empty = FakeApiServer::start([]).await;
    let output = empty.run(&["explain", "ml/llm"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output.stderr).contains("heliotrope crds | kubectl apply"),
        "{}",
        told(&output.stderr)
    );
}
