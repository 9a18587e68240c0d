//! `metrics.k8s.io` by the real metrics-server.

use super::of_pods;
use super::stage::{NAME, REQUESTS, Stage, condition, read, until};
use crate::controlplane::{MetricsServer, without_metrics_servers};
use crate::figures::Figures;
use crate::guest;
use crate::world::Usage;
use heliotrope::load::Observed;
use heliotrope_core::quantity::parse_signed_milli;
use heliotrope_core::rightsizing::hpa::{MetricReading, Milli, Sample};
use heliotrope_core::rightsizing::{Signal, Source};
use jiff::SignedDuration;
use serde_json::{Value, json};

const SCENARIO: &str = "x_load_metrics_server";
/// More of them than are measured: one has a container without memory, for which metrics-server leaves it out, and of one nothing is said.
const REPLICAS: usize = USED.len() + 2;
/// What the others use: billionths of a core and bytes, of each container. Some are of
/// no whole thousandths, and none is within a billionth of one that it is not, for sums of seconds are floats on the way.
const USED: [[(i64, i64); 2]; 3] = [
    [(500_000_000, 300_000_001), (12_345_678, 1 << 24)],
    [(750_000_000, 1 << 28), (1_500_500, 10_000_001)],
    [(250_000_000, 1 << 29), (999, 4096)],
];

/// What all containers of a replica use, or one, as the API tells it: thousandths, each container's rounded up.
fn of(replica: usize, container: Option<&str>, value: impl Fn((i64, i64)) -> Milli) -> Milli {
    let containers = USED[replica].iter().zip(REQUESTS);
    let counted = containers.filter(|(_, (name, ..))| container.is_none_or(|wanted| wanted == *name));
    counted.map(|(used, _)| value(*used)).sum()
}

fn cores((nano, _): (i64, i64)) -> Milli {
    (nano + 999_999) / 1_000_000
}

fn bytes((_, bytes): (i64, i64)) -> Milli {
    bytes * 1000
}

/// What is to be read of all replicas.
fn expected(container: Option<&str>, value: fn((i64, i64)) -> Milli) -> Vec<Option<Milli>> {
    let known = (0..USED.len()).map(|replica| Some(of(replica, container, value)));
    known.chain([None; REPLICAS - USED.len()]).collect()
}

fn usages(names: &[String]) -> Vec<Usage> {
    let pods = names.iter().zip(USED);
    let of_pod = |(pod, used): (&String, [(i64, i64); 2])| {
        let pod = pod.clone();
        let containers = used.into_iter().zip(REQUESTS);
        containers.map(move |((nanocores, memory), (container, ..))| Usage {
            pod: pod.clone(),
            container,
            nanocores,
            memory,
        })
    };
    let measured = pods.flat_map(of_pod);
    let hollow = |(container, ..): &(&'static str, i64, i64)| Usage {
        pod: names[USED.len()].clone(),
        container,
        nanocores: 500_000_000,
        memory: if *container == "main" { 1 << 28 } else { 0 },
    };
    measured.chain(REQUESTS.iter().map(hollow)).collect()
}

fn source(name: &str, container: Option<&str>) -> Source {
    Source::Resource {
        name: name.to_owned(),
        container: container.map(str::to_owned),
    }
}

fn samples(observed: &Observed) -> Vec<Sample> {
    let MetricReading::Pods { pods, .. } = &observed.readings[0] else {
        return Vec::new();
    };
    pods.iter().filter_map(|pod| pod.sample).collect()
}

/// The metrics that both plan by.
fn metrics() -> Value {
    let utilisation = |percent: i32| json!({ "type": "Utilization", "averageUtilization": percent });
    json!([
        { "type": "Resource", "resource": { "name": "cpu", "target": utilisation(40) } },
        { "type": "Resource", "resource": { "name": "memory", "target": { "type": "AverageValue", "averageValue": "1Gi" } } },
        { "type": "ContainerResource",
          "containerResource": { "name": "cpu", "container": "main", "target": utilisation(50) } },
    ])
}

/// What the autoscaler says it saw: the mean in thousandths and, of what is requested, percent.
fn seen(status: &Value, ix: usize) -> (Milli, Option<i64>) {
    let metric = &status["currentMetrics"][ix];
    let kind = metric["type"].as_str().unwrap();
    let current = &metric[if kind == "Resource" {
        "resource"
    } else {
        "containerResource"
    }]["current"];
    let value = parse_signed_milli(current["averageValue"].as_str().unwrap()).unwrap();
    (value, current["averageUtilization"].as_i64())
}

/// The same of what we read.
fn ours(observed: &Observed, ix: usize) -> (Milli, i64) {
    let MetricReading::Pods { pods, .. } = &observed.readings[ix] else {
        panic!("{observed:?}");
    };
    let measured: Vec<_> = pods
        .iter()
        .filter_map(|pod| Some((pod.sample?.value, pod.request?)))
        .collect();
    let (used, requested) = (
        measured.iter().map(|of| of.0).sum::<Milli>(),
        measured.iter().map(|of| of.1).sum::<Milli>(),
    );
    let count = i64::try_from(measured.len()).unwrap();
    (used / count, used * 100 / requested)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x_load_metrics_server_is_read_as_the_autoscaler_reads_it() {
    let why = "it registers a metrics API, which is the cluster's";
    if guest::leaves_out(SCENARIO, why) || without_metrics_servers(SCENARIO) {
        return;
    }
    let mut figures = Figures::of(SCENARIO);
    let mut stage = Stage::start(REPLICAS).await;
    let (names, ready) = stage.ready(REPLICAS).await;
    stage.kubelet.uses(usages(&names));
    let mut server = MetricsServer::start(&stage.plane).await;
    let mut controllers = stage.controllers().await;

    let sources = [source("cpu", None), source("memory", None), source("cpu", Some("main"))];
    let reader = stage.reader();
    let asked = (&reader, names.as_slice(), sources.as_slice());
    // Before, the autoscaler does not take a replica's cores for known: it had not been ready for the whole window.
    let observed = until(asked, "measured since all were ready", |observed| {
        let samples = samples(observed);
        samples.len() == USED.len() && samples.iter().all(|of| of.at.duration_since(ready) >= of.window)
    })
    .await;
    assert_eq!(of_pods(&observed, 0), expected(None, cores), "cores");
    assert_eq!(of_pods(&observed, 1), expected(None, bytes), "bytes");
    assert_eq!(
        of_pods(&observed, 2),
        expected(Some("main"), cores),
        "cores of one container"
    );
    assert_eq!(observed.presence, [Signal::Fresh(()); 3]);
    let scrapes = stage.kubelet.scrapes();
    for Sample { at, window, .. } in samples(&observed) {
        assert!(scrapes.contains(&at), "{at} {scrapes:?}");
        let before = scrapes.iter().filter(|time| **time < at).max().copied();
        assert_eq!(
            at.checked_sub(window).ok(),
            before,
            "the scrape before {at}: {scrapes:?}"
        );
        figures.note("window of a sample, s", window.as_secs());
    }
    let typo = read(&reader, &names, &[source("cpu", Some("mian"))]).await;
    assert_eq!(typo.presence, [Signal::Absent]);
    assert!(
        typo.problems[0]
            .to_string()
            .ends_with("a pod has no container of this name"),
        "{typo:?}"
    );

    let (autoscaler, recommended) = stage.both(NAME, &metrics()).await;
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
    for (ix, of_requests) in [(0, true), (1, false), (2, true)] {
        let ((value, percent), (mean, share)) = (seen(&autoscaler, ix), ours(&observed, ix));
        assert_eq!((value, percent), (mean, of_requests.then_some(share)), "{autoscaler:#}");
    }
    figures.note("replicas that both want", desired.unwrap());
    figures.note("utilisation of cores that both see, %", ours(&observed, 0).1);

    staleness(&stage, asked, &mut figures).await;
    server.kill();
    let down = until(asked, "without a metrics-server", |observed| {
        let told = observed.problems.iter().map(ToString::to_string).collect::<String>();
        told.contains("no adapter that answers") || told.contains("no answer within")
    })
    .await;
    assert_eq!(down.presence, [Signal::Absent; 3]);
    controllers.assert_running();
    stage.plane.assert_running();
}

/// The kubelet's samples grow old, and then there are none.
async fn staleness(stage: &Stage, asked: (&heliotrope::load::Reader, &[String], &[Source]), figures: &mut Figures) {
    let fresh = SignedDuration::from_secs(25);
    let before = stage.autoscaler(NAME).await;
    stage.kubelet.hang();
    let is_stale = |signal: &Signal<()>| matches!(signal, Signal::Stale(age) if *age > fresh);
    let old = until(asked, "stale", |observed| observed.presence.iter().all(is_stale)).await;
    assert_eq!(old.readings, [const { MetricReading::Failed }; 3]);
    // The autoscaler takes them for what is used now.
    let after = stage.autoscaler(NAME).await;
    assert_eq!(seen(&after, 0).0, seen(&before, 0).0, "{after:#}");
    let conditions = after["conditions"].as_array().unwrap();
    let active = conditions.iter().find(|one| one["type"] == "ScalingActive").unwrap();
    assert_eq!(active["status"], "True", "{after:#}");
    let held = stage
        .recommends(NAME, |status| condition(status, "ScalingActive") == "False")
        .await;
    assert_eq!(held.desired_replicas, held.current_replicas, "{held:?}");
    figures.note("samples that stand still, to Heliotrope", "stale");

    stage.kubelet.uses(Vec::new());
    let absent = until(asked, "absent", |observed| observed.presence == [Signal::Absent; 3]).await;
    assert!(absent.problems[0].to_string().contains("no series"), "{absent:?}");
    figures.note("a node that says nothing, to Heliotrope", "absent");
}
