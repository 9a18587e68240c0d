use super::object;
use crate::guest;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use serde_json::{Map, Value, json};

/// The label that tells one piece of work from another.
const LABEL: &str = "work";

/// What pods ask for. The same description becomes a pod, a Deployment or a Job.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) name: String,
    gpus: usize,
    priority: Option<&'static str>,
    scheduler: String,
    /// Bound already when it is created, past any scheduler.
    node: Option<String>,
    annotations: Map<String, Value>,
    /// A template of the claim by which every pod gets devices.
    claim_template: Option<String>,
    /// The region that its pods would rather have.
    preferred: Option<&'static str>,
}

impl Work {
    /// Work that asks for GPUs; none asks for CPU alone.
    pub(crate) fn new(name: &str, gpus: usize) -> Self {
        Self {
            name: name.to_owned(),
            gpus,
            priority: None,
            scheduler: guest::scheduler_name().to_owned(),
            node: None,
            annotations: Map::new(),
            claim_template: None,
            preferred: None,
        }
    }

    /// With a PriorityClass.
    pub(crate) fn priority(mut self, class: &'static str) -> Self {
        self.priority = Some(class);
        self
    }

    /// For another scheduler than the suite's own.
    pub(crate) fn scheduler(mut self, name: &str) -> Self {
        name.clone_into(&mut self.scheduler);
        self
    }

    /// On a node from the beginning, past any scheduler.
    pub(crate) fn on(mut self, node: &str) -> Self {
        self.node = Some(node.to_owned());
        self
    }

    /// With a claim from a template for every pod.
    pub(crate) fn claiming(mut self, template: &str) -> Self {
        self.claim_template = Some(template.to_owned());
        self
    }

    /// With a preference of its own for a region, as strong as one can be.
    pub(crate) fn preferring(mut self, region: &'static str) -> Self {
        self.preferred = Some(region);
        self
    }

    /// With an annotation on every pod.
    pub(crate) fn annotated(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), json!(value));
        self
    }

    /// Lists the pods of this work.
    pub(crate) fn selector(&self) -> ListParams {
        ListParams::default().labels(&format!("{LABEL}={}", self.name))
    }

    fn template(&self, restart: &str) -> Value {
        let mut resources = json!({ "cpu": "2", "memory": "8Gi" });
        if self.gpus > 0 {
            resources["nvidia.com/gpu"] = json!(self.gpus.to_string());
        }
        let mut spec = json!({
            "restartPolicy": restart,
            "schedulerName": self.scheduler,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
            "containers": [{ "name": "main", "image": "train:1", "resources": { "requests": resources, "limits": resources } }],
        });
        if let Some(template) = &self.claim_template {
            spec["resourceClaims"] = json!([{ "name": "gpus", "resourceClaimTemplateName": template }]);
            spec["containers"][0]["resources"]["claims"] = json!([{ "name": "gpus" }]);
        }
        if let Some(region) = self.preferred {
            let there = json!([{ "key": "topology.kubernetes.io/region", "operator": "In", "values": [region] }]);
            let terms = json!([{ "weight": 100, "preference": { "matchExpressions": there } }]);
            spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = terms;
        }
        guest::keep_on_marked_nodes(&mut spec);
        if let Some(class) = self.priority {
            spec["priorityClassName"] = json!(guest::cluster_wide(class));
        }
        if let Some(node) = &self.node {
            spec["nodeName"] = json!(node);
        }
        json!({ "metadata": { "labels": { LABEL: self.name }, "annotations": self.annotations }, "spec": spec })
    }

    pub(super) fn to_pod(&self, name: &str) -> Pod {
        let mut pod = self.template("Always");
        pod["metadata"]["name"] = json!(name);
        object(pod)
    }

    pub(super) fn to_deployment(&self, replicas: usize) -> Deployment {
        object(json!({
            "metadata": { "name": self.name },
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": { LABEL: self.name } },
                "template": self.template("Always"),
            },
        }))
    }

    pub(super) fn to_stateful_set(&self, class: &str) -> StatefulSet {
        let mut template = self.template("Always");
        template["spec"]["containers"][0]["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
        object(json!({
            "metadata": { "name": self.name },
            "spec": {
                "replicas": 1,
                "serviceName": self.name,
                "selector": { "matchLabels": { LABEL: self.name } },
                "template": template,
                "volumeClaimTemplates": [{
                    "metadata": { "name": "data" },
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "storageClassName": class,
                        "resources": { "requests": { "storage": "1Gi" } },
                    },
                }],
            },
        }))
    }

    pub(super) fn to_job(&self, pods: usize) -> Job {
        object(json!({
            "metadata": { "name": self.name },
            "spec": { "parallelism": pods, "completions": pods, "template": self.template("Never") },
        }))
    }
}
