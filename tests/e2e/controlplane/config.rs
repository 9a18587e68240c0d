use serde_json::{Value, json};
use std::path::Path;

/// The configuration that is shipped. Scenarios change only what they are about.
const SHIPPED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/config/scheduler/kube-scheduler-config.yaml"
);

/// A KubeSchedulerConfiguration: the shipped one, on this control plane and without an extender until one is named.
#[derive(Debug, Clone)]
pub(crate) struct SchedulerConfig {
    document: Value,
    extender: Value,
}

impl SchedulerConfig {
    /// The shipped configuration.
    pub(crate) fn shipped() -> Self {
        let mut document = match std::fs::read_to_string(SHIPPED) {
            Ok(text) => serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{SHIPPED}: {e}")),
            Err(_) => as_designed(),
        };
        let extender = document["extenders"][0].take();
        assert!(extender.is_object(), "{SHIPPED} has no extender");
        let root = document.as_object_mut().unwrap();
        root.remove("extenders");
        root.insert("leaderElection".into(), json!({ "leaderElect": false }));
        // One profile, under the name that the suite's pods name.
        document["profiles"][0]["schedulerName"] = json!(crate::guest::scheduler_name());
        Self { document, extender }
    }

    /// What kube-scheduler does when it is told nothing, under its own name.
    pub(crate) fn as_delivered() -> Self {
        Self {
            document: json!({
                "apiVersion": "kubescheduler.config.k8s.io/v1",
                "kind": "KubeSchedulerConfiguration",
                "leaderElection": { "leaderElect": false },
            }),
            extender: Value::Null,
        }
    }

    /// With the shipped extender stanza at an address.
    pub(crate) fn with_extender(mut self, url: &str) -> Self {
        self.extender["urlPrefix"] = json!(url);
        self.document["extenders"] = json!([self.extender]);
        self
    }

    /// With the same stanza once more, at another address: a second extender, which is asked about every pod, since
    /// kube-scheduler lets only one manage a resource.
    pub(crate) fn and_extender(mut self, url: &str) -> Self {
        let mut second = self.document["extenders"][0].clone();
        assert!(second.is_object(), "call with_extender first");
        second["urlPrefix"] = json!(url);
        second.as_object_mut().unwrap().remove("managedResources");
        self.document["extenders"].as_array_mut().unwrap().push(second);
        self
    }

    /// The extender's weight.
    pub(crate) fn weight(self, weight: u32) -> Self {
        self.set("weight", json!(weight))
    }

    /// With whole Node objects in every request instead of names.
    pub(crate) fn whole_nodes(self) -> Self {
        self.set("nodeCacheCapable", json!(false))
    }

    /// With pods that wait while the extender is down.
    pub(crate) fn not_ignorable(self) -> Self {
        self.set("ignorable", json!(false))
    }

    /// As if the extender had no preempt verb.
    pub(crate) fn without_preempt(mut self) -> Self {
        let stanza = self.document["extenders"][0]
            .as_object_mut()
            .expect("call with_extender first");
        stanza.remove("preemptVerb");
        self
    }

    /// With an extender that is asked about every pod, as for GPUs by claim.
    pub(crate) fn asked_about_every_pod(mut self) -> Self {
        let stanza = self.document["extenders"][0]
            .as_object_mut()
            .expect("call with_extender first");
        stanza.remove("managedResources");
        self
    }

    /// With kube-scheduler's own preference for empty nodes instead of the shipped packing.
    pub(crate) fn least_allocated(mut self) -> Self {
        let plugins = self.document["profiles"][0]["pluginConfig"].as_array_mut().unwrap();
        plugins.retain(|plugin| plugin["name"] != "NodeResourcesFit");
        self
    }

    /// With kube-scheduler's own preference for nodes that have the image, which is shipped disabled.
    pub(crate) fn image_locality(mut self) -> Self {
        let multi_point = &mut self.document["profiles"][0]["plugins"]["multiPoint"]["disabled"];
        let disabled = multi_point.as_array_mut().unwrap();
        disabled.retain(|plugin| plugin["name"] != "ImageLocality");
        self
    }

    /// With the sampling that the scheduler chooses by itself.
    pub(crate) fn default_sampling(mut self) -> Self {
        self.document
            .as_object_mut()
            .unwrap()
            .remove("percentageOfNodesToScore");
        self.document["profiles"][0]
            .as_object_mut()
            .unwrap()
            .remove("percentageOfNodesToScore");
        self
    }

    /// The weight of a score plugin that the shipped configuration names.
    pub(crate) fn score_weight(mut self, plugin: &str, weight: u32) -> Self {
        let enabled = self.document["profiles"][0]["plugins"]["score"]["enabled"].as_array_mut();
        let named = enabled.unwrap().iter_mut().find(|enabled| enabled["name"] == plugin);
        named.unwrap()["weight"] = json!(weight);
        self
    }

    /// The share of the nodes that is scored, in percent; none where the scheduler chooses.
    pub(crate) fn sampling(&self) -> Option<u64> {
        let profile = &self.document["profiles"][0]["percentageOfNodesToScore"];
        profile.as_u64().or(self.document["percentageOfNodesToScore"].as_u64())
    }

    /// The weight of the extender as shipped or set.
    pub(crate) fn extender_weight(&self) -> u64 {
        self.document["extenders"][0]["weight"]
            .as_u64()
            .expect("call with_extender first")
    }

    fn set(mut self, key: &str, value: Value) -> Self {
        assert!(self.document["extenders"][0].is_object(), "call with_extender first");
        self.document["extenders"][0][key] = value;
        self
    }

    /// The file's text. JSON is YAML.
    pub(crate) fn to_file(&self, kubeconfig: &Path) -> String {
        let mut document = self.document.clone();
        // The client's own brake (50 a second) would be what the throughput scenarios measure.
        document["clientConnection"] = json!({ "kubeconfig": kubeconfig, "qps": 5000, "burst": 5000 });
        serde_json::to_string_pretty(&document).unwrap()
    }
}

/// What the design asks for, for a tree that does not ship a configuration yet.
fn as_designed() -> Value {
    json!({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{
            "schedulerName": "default-scheduler",
            "percentageOfNodesToScore": 100,
            "pluginConfig": [
                { "name": "NodeResourcesFit", "args": { "scoringStrategy": {
                    "type": "MostAllocated",
                    "resources": [
                        { "name": "nvidia.com/gpu", "weight": 5 },
                        { "name": "cpu", "weight": 1 },
                        { "name": "memory", "weight": 1 },
                    ],
                } } },
                { "name": "PodTopologySpread", "args": { "defaultingType": "List", "defaultConstraints": [] } },
            ],
        }],
        "extenders": [{
            "urlPrefix": "http://127.0.0.1:8650",
            "filterVerb": "filter",
            "prioritizeVerb": "prioritize",
            "preemptVerb": "preempt",
            "weight": 5,
            "enableHTTPS": false,
            "httpTimeout": "500ms",
            "nodeCacheCapable": true,
            "ignorable": true,
            "managedResources": [{ "name": "nvidia.com/gpu", "ignoredByScheduler": false }],
        }],
    })
}
