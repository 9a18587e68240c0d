//! Rightsizers, against a fake API server: what is written, in which order, and when nothing is.

mod bounds;
mod rivals;
mod scaling;

use super::api_server::{FakeApiServer, Write};
use crate::rig::until;
use heliotrope::app::settings::parse;
use heliotrope::controllers::lease::Term;
use heliotrope::controllers::rightsizer::Rightsizers;
use heliotrope::load::Reader;
use heliotrope::outbound::HttpClient;
use heliotrope::telemetry::{Metrics, system_clock};
use heliotrope::world::Writer;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const RIGHTSIZER: &str = "/apis/heliotrope.dev/v1alpha1/namespaces/ml/rightsizers/llm";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/ml/deployments/llm";
const AUTOSCALER: &str = "/apis/autoscaling/v2/namespaces/ml/horizontalpodautoscalers/llm";
const SETTINGS: &str = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nrightsizer: {interval: 1s}\n";

/// A controller that looks after one Rightsizer of a Deployment.
struct Site {
    server: FakeApiServer,
    metrics: Metrics,
    away: watch::Receiver<Option<&'static str>>,
    tasks: JoinSet<()>,
    term: Term,
    /// More sections of its settings.
    sections: String,
}

impl Site {
    /// With a Rightsizer of this spec, on a Deployment of so many replicas.
    async fn new(spec: Value, replicas: i32) -> Self {
        let server = FakeApiServer::start().await;
        server.put(DEPLOYMENT, deployment(replicas));
        server.put(RIGHTSIZER, rightsizer("llm", spec));
        let (_, away) = watch::channel(None);
        let far = tokio::time::Instant::now() + Duration::from_secs(600);
        Self {
            server,
            metrics: Metrics::new(),
            away,
            tasks: JoinSet::new(),
            term: Term::new(far),
            sections: String::new(),
        }
    }

    /// Starts the controller, as a process that has just got the lease.
    fn start(&mut self) {
        let loaded = parse(&format!("{SETTINGS}{}", self.sections), Path::new(".")).unwrap();
        let settings = loaded.settings;
        let around = settings.surroundings(&loaded.tables);
        let (_, around) = watch::channel((around, 0.05));
        let (_, world) = Writer::new(around, system_clock(), self.metrics.clone());
        let client = self.server.client();
        let http = HttpClient::new(&settings.outbound, settings.outbound.allow_plain_http.clone()).unwrap();
        let reader = Reader::new(&settings.load, &http, client.clone(), self.metrics.clone());
        let (away, lacks) = watch::channel(Some("not listed yet"));
        let clocked = (system_clock(), self.metrics.clone());
        let controller = Rightsizers::new(client, settings.rightsizer, (reader, world), clocked, "host-1", away);
        self.away = lacks;
        let term = self.term.clone();
        self.tasks.spawn(async move {
            if controller.ready(&CancellationToken::new()).await {
                controller.run(term).await;
            }
        });
    }

    /// Ends it as kill -9 does, and starts another.
    async fn restart(&mut self) {
        self.tasks.shutdown().await;
        self.start();
    }

    fn status(&self) -> Value {
        self.server.get(RIGHTSIZER).unwrap_or_default()["status"].clone()
    }

    fn replicas(&self) -> Value {
        self.server.get(DEPLOYMENT).unwrap()["spec"]["replicas"].clone()
    }

    fn reason(&self, kind: &str) -> String {
        self.condition(kind, "reason")
    }

    /// What a condition says under a key.
    fn condition(&self, kind: &str, key: &str) -> String {
        let status = self.status();
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        let found = conditions.iter().find(|condition| condition["type"] == kind);
        found.map_or_else(String::new, |found| found[key].as_str().unwrap().to_owned())
    }

    fn counted(&self, metric: &str, outcome: &str) -> u64 {
        let series = format!(r#"heliotrope_{metric}_total{{outcome="{outcome}"}} "#);
        let page = self.metrics.exposition();
        let found = page.lines().find_map(|line| line.strip_prefix(&series));
        found.map_or(0, |count| count.parse().unwrap())
    }

    fn looks(&self, outcome: &str) -> u64 {
        self.counted("rightsizer_syncs", outcome)
    }

    /// Waits for more looks with an outcome.
    async fn looked(&self, outcome: &str) {
        let before = self.looks(outcome);
        until(outcome, || self.looks(outcome) > before).await;
    }

    /// Everything written but statuses.
    fn written(&self) -> Vec<Write> {
        let all = self.server.writes("");
        all.into_iter()
            .filter(|write| !write.path.ends_with("/status"))
            .collect()
    }

    /// Changes the Rightsizer as its owner.
    fn change(&self, pointer: &str, value: Value) {
        let mut one = self.server.get(RIGHTSIZER).unwrap();
        one.pointer_mut(pointer)
            .map_or_else(|| panic!("{pointer}"), |place| *place = value);
        self.server.put(RIGHTSIZER, one);
    }
}

fn deployment(replicas: i32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "llm", "namespace": "ml", "managedFields": [
            { "manager": "kubectl-create", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-01-01T00:00:00Z",
              "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
        ]},
        "spec": { "replicas": replicas },
    })
}

fn rightsizer(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    spec["scaleTargetRef"] = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "llm" });
    json!({
        "apiVersion": "heliotrope.dev/v1alpha1", "kind": "Rightsizer",
        "metadata": {
            "name": name, "namespace": "ml", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {}, "finalizers": [],
        },
        "spec": spec,
    })
}

#[tokio::test]
async fn a_missing_kind_is_told_and_waited_for() {
    let mut site = Site::new(json!({ "minReplicas": 1, "maxReplicas": 5 }), 1).await;
    site.server.store().missing.push("rightsizers");
    site.start();
    until("it is told", || {
        site.away
            .borrow()
            .is_some_and(|told| told.contains("kind Rightsizer is not there"))
    })
    .await;
    site.server.store().missing.clear();
    until("it is there", || site.away.borrow().is_none()).await;
    site.looked("kept").await;
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_told_with_its_key() {
    let spec = json!({ "mode": "apply", "minReplicas": 1, "maxReplicas": 5, "prewarm": { "lead": "soon" } });
    let mut site = Site::new(spec, 1).await;
    site.start();
    site.looked("invalid").await;
    let message = site.status()["conditions"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("spec.prewarm"), "{message}");
    assert_eq!(site.written(), []);
    site.change(
        "/spec",
        rightsizer("llm", json!({ "mode": "apply", "minReplicas": 1, "maxReplicas": 5 }))["spec"].clone(),
    );
    site.server.store().missing.push("deployments/llm");
    site.looked("unknown-target").await;
    assert_eq!(site.reason("Ready"), "FailedGetScale");
    assert_eq!(site.written(), []);
}
