//! `custom.metrics.k8s.io`, in both versions, and `external.metrics.k8s.io`, by a real adapter.

use super::of_pods;
use super::stage::{NAME, Stage, read, until};
use crate::controlplane::{CustomMetricsAdapter, without_metrics_servers};
use crate::figures::Figures;
use crate::guest;
use heliotrope_core::quantity::parse_signed_milli;
use heliotrope_core::rightsizing::hpa::{MetricReading, Milli};
use heliotrope_core::rightsizing::{ObjectRef, Signal, Source};
use jiff::SignedDuration;
use serde_json::{Value, json};

const SCENARIO: &str = "x_load_custom_metrics";
const REPLICAS: usize = 4;
/// Of the replicas, the last of which says nothing.
const QUEUES: [&str; REPLICAS - 1] = ["3", "0", "7500m"];
const HITS: &str = "12500m";
/// What the library's own provider says of each series of `my-external-metric`.
const EXTERNAL: [Milli; 2] = [42_000, 43_000];

fn pods(selector: Option<&str>) -> Source {
    Source::Pods {
        metric: "queue_depth".to_owned(),
        selector: selector.map(str::to_owned),
    }
}

fn object(api_version: &str, kind: &str, name: &str) -> Source {
    Source::Object {
        object: ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        },
        metric: "hits".to_owned(),
        selector: None,
    }
}

fn external(selector: Option<&str>) -> Source {
    Source::External {
        metric: "my-external-metric".to_owned(),
        selector: selector.map(str::to_owned),
    }
}

fn sources() -> Vec<Source> {
    vec![
        pods(Some("model=a")),
        object("apps/v1", "Deployment", NAME),
        object("v1", "Namespace", guest::namespace()),
        external(None),
        external(Some("foo=bar")),
        // What nobody says, or of no such thing.
        pods(Some("model=b")),
        object("apps/v1", "Deployment", "nobody"),
        object("apps/v1", "Locomotive", NAME),
    ]
}

/// The metrics that both plan by.
fn metrics() -> Value {
    let deployment = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": NAME });
    let queue = json!({ "name": "queue_depth", "selector": { "matchLabels": { "model": "a" } } });
    let of_object = |target: Value| {
        json!({ "type": "Object", "object": {
            "describedObject": deployment, "metric": { "name": "hits" }, "target": target,
        } })
    };
    json!([
        { "type": "Pods", "pods": { "metric": queue, "target": { "type": "AverageValue", "averageValue": "2" } } },
        of_object(json!({ "type": "Value", "value": "10" })),
        of_object(json!({ "type": "AverageValue", "averageValue": "2500m" })),
        { "type": "External", "external": {
            "metric": { "name": "my-external-metric" }, "target": { "type": "AverageValue", "averageValue": "20" },
        } },
    ])
}

fn milli(quantity: &Value) -> Milli {
    parse_signed_milli(quantity.as_str().unwrap()).unwrap()
}

/// Writes a queue of each replica but the last, and what is said of the Deployment and of its namespace.
async fn write(adapter: &CustomMetricsAdapter, names: &[String], queues: impl Iterator<Item = &str>) {
    let namespace = guest::namespace();
    for (pod, queue) in names.iter().zip(queues) {
        let path = format!("namespaces/{namespace}/pods/{pod}/queue_depth");
        adapter.write(&path, "model%3Da", queue).await;
    }
    let path = format!("namespaces/{namespace}/deployments.apps/{NAME}/hits");
    adapter.write(&path, "", HITS).await;
    // The provider takes what is written of `namespaces` for what lies in one, where it does not look for it.
    adapter.write(&format!("namespaces./{namespace}/hits"), "", "9").await;
}

/// What is read in the version that is served, and what both make of it.
async fn agree(stage: &Stage, (version, names): (&str, &[String]), queues: &[Option<Milli>], figures: &mut Figures) {
    let sources = sources();
    let observed = read(&stage.reader(), names, &sources).await;
    assert_eq!(of_pods(&observed, 0), queues, "{version} {observed:?}");
    let values = |values: &[Milli]| MetricReading::Values(values.to_vec());
    assert_eq!(observed.readings[1], values(&[12_500]), "{version} {observed:?}");
    assert_eq!(observed.readings[2], values(&[9000]), "{version} {observed:?}");
    assert_eq!(
        observed.readings[3..5],
        [values(&EXTERNAL), values(&EXTERNAL[..1])],
        "{version}"
    );
    assert_eq!(observed.presence[..5], [Signal::Fresh(()); 5], "{version}");
    assert_eq!(observed.presence[5..], [Signal::Absent; 3], "{version} {observed:?}");
    let MetricReading::Pods { pods, .. } = &observed.readings[0] else {
        unreachable!()
    };
    let windows: Vec<_> = pods.iter().filter_map(|pod| Some(pod.sample?.window)).collect();
    assert!(
        windows.iter().all(|window| *window == SignedDuration::from_mins(1)),
        "none is said: {windows:?}"
    );

    let name = format!("{NAME}-{version}");
    let (autoscaler, recommended) = stage.both(&name, &metrics()).await;
    let desired = autoscaler["desiredReplicas"].as_i64();
    assert_eq!(
        recommended.desired_replicas.map(i64::from),
        desired,
        "{autoscaler:#} {recommended:?}"
    );
    assert_eq!(autoscaler["currentReplicas"], json!(names.len()), "{autoscaler:#}");
    assert!(
        desired > autoscaler["currentReplicas"].as_i64(),
        "neither would change anything: {autoscaler:#}"
    );
    let measured: Vec<Milli> = queues.iter().copied().flatten().collect();
    let (count, replicas) = (
        i64::try_from(measured.len()).unwrap(),
        i64::try_from(names.len()).unwrap(),
    );
    let current = |ix: usize, kind: &str| autoscaler["currentMetrics"][ix][kind]["current"].clone();
    let mean = measured.iter().sum::<Milli>() / count;
    assert_eq!(milli(&current(0, "pods")["averageValue"]), mean, "{autoscaler:#}");
    assert_eq!(milli(&current(1, "object")["value"]), 12_500, "{autoscaler:#}");
    let each = |total: Milli| u64::try_from(total).unwrap().div_ceil(u64::try_from(replicas).unwrap());
    let averages = [(2, "object", 12_500), (3, "external", EXTERNAL.iter().sum())];
    for (ix, kind, total) in averages {
        assert_eq!(
            milli(&current(ix, kind)["averageValue"]),
            i64::try_from(each(total)).unwrap(),
            "{autoscaler:#}"
        );
    }
    figures.note(&format!("{version}: replicas that both want"), desired.unwrap());
    stage.forget(&name).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x_load_custom_metrics_are_read_as_the_autoscaler_reads_them() {
    let why = "it registers a metrics API, which is the cluster's";
    if guest::leaves_out(SCENARIO, why) || without_metrics_servers(SCENARIO) {
        return;
    }
    let mut figures = Figures::of(SCENARIO);
    let mut stage = Stage::start(REPLICAS).await;
    let (names, _) = stage.ready(REPLICAS).await;
    let adapter = CustomMetricsAdapter::start(&stage.plane).await;
    let reader = stage.reader();
    let unregistered = read(&reader, &names, &[pods(None)]).await;
    assert_eq!(unregistered.presence, [Signal::Absent], "{unregistered:?}");
    adapter.serve("v1beta1").await;
    write(&adapter, &names, QUEUES.into_iter()).await;
    let mut controllers = stage.controllers().await;
    let queues: Vec<_> = QUEUES
        .iter()
        .map(|queue| parse_signed_milli(queue))
        .chain([None])
        .collect();
    agree(&stage, ("v1beta1", &names), &queues, &mut figures).await;

    // The other version alone, as after an adapter's upgrade: to whoever knows the older one it is there too.
    let known = read(&reader, &names, &[pods(None)]).await;
    assert_eq!(known.presence, [Signal::Fresh(())], "{known:?}");
    adapter.serve("v1beta2").await;
    adapter.withdraw("v1beta1").await;
    let of_pods = [pods(None)];
    until((&reader, &names, &of_pods), "read in the other version", |observed| {
        observed.presence == [Signal::Fresh(())]
    })
    .await;
    let scaled = usize::try_from(stage.replicas().await).unwrap();
    let (names, _) = stage.ready(scaled).await;
    write(&adapter, &names, names.iter().skip(1).map(|_| "8")).await;
    let queues: Vec<_> = names.iter().skip(1).map(|_| Some(8000)).chain([None]).collect();
    agree(&stage, ("v1beta2", &names), &queues, &mut figures).await;

    // Nobody writes any more: what was written last grows old.
    let old = until((&reader, &names, &of_pods), "stale", |observed| {
        matches!(observed.presence[..], [Signal::Stale(_)])
    })
    .await;
    assert_eq!(old.readings, [MetricReading::Failed]);
    controllers.assert_running();
    stage.plane.assert_running();
}
