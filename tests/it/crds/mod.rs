//! The custom resources: what is read of a manifest, what is refused, and what the schema says.

mod parse;
mod schema;

use heliotrope::crds::RightsizerSpec;
use serde_json::{Value, json};

/// A spec with every rule in it.
fn full() -> Value {
    json!({
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
        "mode": "apply",
        "compatibility": "1.33",
        "minReplicas": 2,
        "maxReplicas": 20,
        "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}},
            {"type": "Pods", "pods": {"metric": {"name": "waiting"}, "target": {"type": "AverageValue", "averageValue": 30}}},
            {"type": "External", "external": {
                "metric": {"name": "queue", "selector": {"matchLabels": {"team": "ml"},
                    "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}},
                "target": {"type": "Value", "value": "1500m"}}}
        ],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 120, "policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}},
        "sources": [{"metric": "waiting", "preset": {"server": "vllm", "measure": "queueDepth", "labels": {"model_name": "llama"}}}],
        "schedule": {
            "levels": [{"days": ["mon", "fri"], "from": "08:00", "until": "18:00", "timeZone": "Europe/Berlin", "minReplicas": 6, "ramp": "30m"}],
            "events": [{"from": "2026-12-24T18:00", "until": "2026-12-25T02:00", "timeZone": "UTC", "factor": 2.5}]
        },
        "latency": {
            "response": {"limit": "2s", "preset": {"server": "vllm", "measure": "latency", "quantile": 0.99}},
            "queueAge": {"limit": "10s", "calmPercent": 50, "query": "max(my_queue_age_seconds)"},
            "stepPods": 2
        },
        "carbon": {"above": {"enter": "300 g/kWh", "leave": "250 g/kWh"}, "maxPercent": 50, "zone": "DE"},
        "power": {"perReplica": "700 W", "budget": "20 kW"},
        "prewarm": {"lead": "3m"},
        "deletionCost": {"minPerZone": 1}
    })
}

fn spec(value: Value) -> RightsizerSpec {
    serde_json::from_value(value).unwrap()
}
