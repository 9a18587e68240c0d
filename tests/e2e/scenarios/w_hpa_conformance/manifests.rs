use super::case::{Case, CasePod};
use heliotrope_core::rightsizing::hpa::{AverageTarget, Metric, PodPhase, PolicyKind, Rules, Select, TotalTarget};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A quantity of thousandths.
pub(super) fn milli(value: i64) -> String {
    format!("{value}m")
}

/// A time some seconds before another, as the API writes it.
pub(super) fn before(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

impl Case {
    /// The name of a metric, which no other has.
    pub(super) fn metric_name(&self, ix: usize) -> String {
        format!("{}-m{ix}", self.name)
    }

    /// The name of a pod.
    pub(super) fn pod_name(&self, ix: usize) -> String {
        format!("{}-p{ix}", self.name)
    }

    /// What is scaled; no controller makes pods of it.
    pub(super) fn deployment(&self) -> Value {
        json!({
            "metadata": { "name": self.name },
            "spec": {
                "replicas": self.current,
                "selector": { "matchLabels": { "app": self.name } },
                "template": {
                    "metadata": { "labels": { "app": self.name } },
                    "spec": { "containers": [{ "name": "main", "image": "serve:1" }] },
                },
            },
        })
    }

    /// The pod of a number, and its status.
    pub(super) fn pod(&self, ix: usize, start: Timestamp) -> (Value, Value) {
        let pod: &CasePod = &self.pods[ix];
        let mut requests = json!({});
        if let Some(request) = pod.request {
            requests = json!({ "cpu": milli(request), "memory": milli(request) });
        }
        let finalizers = if pod.deleting {
            vec!["heliotrope.dev/kept-by-the-suite"]
        } else {
            Vec::new()
        };
        let object = json!({
            "metadata": { "name": self.pod_name(ix), "labels": { "app": self.name }, "finalizers": finalizers },
            "spec": {
                "schedulerName": "nobody",
                "automountServiceAccountToken": false,
                "containers": [{ "name": "main", "image": "serve:1", "resources": { "requests": requests } }],
            },
        });
        let mut status = json!({ "phase": phase(pod.phase) });
        if let Some(age) = pod.started {
            status["startTime"] = json!(before(start, age));
        }
        if let Some((ready, age)) = pod.ready {
            let ready = ready.map_or("Unknown", |ready| if ready { "True" } else { "False" });
            status["conditions"] =
                json!([{ "type": "Ready", "status": ready, "lastTransitionTime": before(start, age) }]);
        }
        (object, json!({ "status": status }))
    }

    /// The HorizontalPodAutoscaler.
    pub(super) fn autoscaler(&self) -> Value {
        let metrics: Vec<_> = (0..self.spec.metrics.len()).map(|ix| self.metric(ix)).collect();
        let mut spec = json!({
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": self.name },
            "minReplicas": self.spec.min,
            "maxReplicas": self.spec.max,
            "metrics": metrics,
        });
        if let Some(behavior) = &self.spec.behavior {
            spec["behavior"] = json!({});
            if !self.left_out.0 {
                spec["behavior"]["scaleUp"] = rules(&behavior.up);
            }
            if !self.left_out.1 {
                spec["behavior"]["scaleDown"] = rules(&behavior.down);
            }
        }
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": self.name }, "spec": spec,
        })
    }

    fn metric(&self, ix: usize) -> Value {
        let metric = json!({ "name": self.metric_name(ix) });
        match self.spec.metrics[ix] {
            Metric::Resource { target, of_cpu } => {
                let name = if of_cpu { "cpu" } else { "memory" };
                let target = match target {
                    AverageTarget::Utilisation(percent) => {
                        json!({ "type": "Utilization", "averageUtilization": percent })
                    }
                    AverageTarget::Value(value) => json!({ "type": "AverageValue", "averageValue": milli(value) }),
                };
                if self.of_container {
                    json!({
                        "type": "ContainerResource",
                        "containerResource": { "name": name, "container": "main", "target": target },
                    })
                } else {
                    json!({ "type": "Resource", "resource": { "name": name, "target": target } })
                }
            }
            Metric::Pods { target } => json!({
                "type": "Pods",
                "pods": { "metric": metric, "target": { "type": "AverageValue", "averageValue": milli(target) } },
            }),
            Metric::Object(target) => json!({
                "type": "Object",
                "object": {
                    "describedObject": { "apiVersion": "apps/v1", "kind": "Deployment", "name": self.name },
                    "metric": metric, "target": total(target),
                },
            }),
            Metric::External(target) => json!({
                "type": "External", "external": { "metric": metric, "target": total(target) },
            }),
        }
    }
}

fn total(target: TotalTarget) -> Value {
    match target {
        TotalTarget::Value(value) => json!({ "type": "Value", "value": milli(value) }),
        TotalTarget::AverageValue(value) => json!({ "type": "AverageValue", "averageValue": milli(value) }),
    }
}

fn rules(rules: &Rules) -> Value {
    let policy = |policy: &heliotrope_core::rightsizing::hpa::Policy| {
        let kind = match policy.kind {
            PolicyKind::Pods => "Pods",
            PolicyKind::Percent => "Percent",
        };
        json!({ "type": kind, "value": policy.value, "periodSeconds": policy.period })
    };
    let mut value = json!({
        "stabilizationWindowSeconds": rules.window,
        "selectPolicy": match rules.select {
            Select::Max => "Max",
            Select::Min => "Min",
            Select::Disabled => "Disabled",
        },
        "policies": rules.policies.iter().map(policy).collect::<Vec<_>>(),
    });
    if let Some(tolerance) = rules.tolerance {
        value["tolerance"] = json!(format!("{:.0}m", tolerance * 1000.0));
    }
    value
}

fn phase(phase: PodPhase) -> &'static str {
    match phase {
        PodPhase::Pending => "Pending",
        PodPhase::Running => "Running",
        PodPhase::Succeeded => "Succeeded",
        PodPhase::Failed => "Failed",
        PodPhase::Unknown => "Unknown",
    }
}
