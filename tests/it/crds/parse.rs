use super::{full, spec};
use heliotrope_core::quantity::{GramsPerKwh, Ratio};
use heliotrope_core::rightsizing::hpa::{HpaVersion, Metric, Policy, PolicyKind, TotalTarget};
use heliotrope_core::rightsizing::plan::Mode;
use heliotrope_core::rightsizing::{Ceiling, PromQuery, Shape, Source, StepSize, Trigger};
use jiff::SignedDuration;
use rstest::rstest;
use serde_json::{Value, json};

#[test]
fn every_rule_is_read() {
    let wanted = spec(full()).wanted().unwrap();
    assert_eq!(wanted.target.group_version(), ("apps", "v1"));
    assert_eq!(wanted.mode, Mode::Apply);
    let hpa = &wanted.plan.hpa;
    assert_eq!((hpa.min, hpa.max, hpa.version), (2, 20, HpaVersion::From133));
    assert_eq!(
        hpa.metrics[1],
        Metric::Pods { target: 30_000 },
        "a number is an amount too"
    );
    assert_eq!(hpa.metrics[2], Metric::External(TotalTarget::Value(1500)));
    let behavior = hpa.behavior.as_ref().unwrap();
    assert_eq!(
        (behavior.up.window, behavior.up.policies.len()),
        (0, 2),
        "filled as the API server does"
    );
    assert_eq!(behavior.down.window, 120);
    let policy = Policy {
        kind: PolicyKind::Pods,
        value: 2,
        period: 60,
    };
    assert_eq!(behavior.down.policies, [policy]);
    assert!(matches!(&wanted.sources[0], Source::Resource { name, container: None } if name == "cpu"));
    let Source::Prometheus {
        query: PromQuery::Preset(preset),
        shape: Shape::PerPod,
    } = &wanted.sources[1]
    else {
        panic!("{:?}", wanted.sources[1]);
    };
    assert_eq!(preset.labels()["model_name"], "llama");
    let Source::External { metric, selector } = &wanted.sources[2] else {
        panic!("{:?}", wanted.sources[2]);
    };
    assert_eq!(
        (metric.as_str(), selector.as_deref()),
        ("queue", Some("team=ml,tier in (a,b)"))
    );
    let latency = wanted.plan.latency.unwrap();
    assert_eq!(latency.step, StepSize::Pods(2));
    assert_eq!(latency.every, SignedDuration::from_mins(1));
    assert_eq!(latency.latency.unwrap().calm, Ratio::new(0.7).unwrap());
    assert!(matches!(&wanted.response, Some(PromQuery::Preset(of)) if of.quantile().is_some()));
    assert_eq!(
        wanted.queue_age,
        Some(PromQuery::Text("max(my_queue_age_seconds)".to_owned()))
    );
    let carbon = wanted.plan.carbon.unwrap();
    assert_eq!(carbon.ceiling, Ceiling::ShareOfMax(Ratio::new(0.5).unwrap()));
    let grams = |value| GramsPerKwh::new(value).unwrap();
    assert_eq!(
        carbon.when,
        Trigger::Above {
            enter: grams(300.0),
            leave: grams(250.0)
        }
    );
    assert_eq!(wanted.zone.unwrap().as_str(), "DE");
    assert_eq!(wanted.plan.schedule.levels[0].min, Some(6));
    assert_eq!(wanted.min_per_zone, Some(1));
}

/// Each fault alone, by the place it is put at and the key that is told.
#[rstest]
#[case("/maxReplicas", json!(1), "spec.maxReplicas")]
#[case("/metrics/0/type", json!("Cpu"), "spec.metrics[0].type")]
#[case("/metrics/0/resource/target/averageUtilization", json!(0), "spec.metrics[0].resource.target.averageUtilization")]
#[case("/metrics/1/pods/target/type", json!("Value"), "spec.metrics[1].pods.target.type")]
#[case("/metrics/1/pods/target/averageValue", json!("lots"), "spec.metrics[1].pods.target.averageValue")]
#[case("/metrics/2/external", Value::Null, "spec.metrics[2].external")]
#[case("/behavior/scaleDown/policies/0/periodSeconds", json!(0), "spec.behavior.scaleDown.policies[0].periodSeconds")]
#[case("/behavior/scaleDown/policies/0/type", json!("Share"), "spec.behavior.scaleDown.policies[0].type")]
#[case("/behavior/scaleDown/stabilizationWindowSeconds", json!(3601), "spec.behavior.scaleDown.stabilizationWindowSeconds")]
#[case("/sources/0/metric", json!("nothing"), "spec.sources[0].metric")]
#[case("/sources/0/preset/quantile", json!(0.5), "spec.sources[0].preset.quantile")]
#[case("/sources/0/preset/labels", json!({"a-b": "c"}), "spec.sources[0].preset.labels")]
#[case("/sources/0/query", json!("up"), "spec.sources[0]")]
#[case("/schedule/levels/0/from", json!("8 o'clock"), "spec.schedule.levels[0].from")]
#[case("/schedule/levels/0/timeZone", json!("Berlin"), "spec.schedule.levels[0].timeZone")]
#[case("/schedule/levels/0/minReplicas", Value::Null, "spec.schedule.levels[0].minReplicas")]
#[case("/schedule/levels/0/maxReplicas", json!(1), "spec.schedule.levels[0].maxReplicas")]
#[case("/schedule/events/0/until", json!("2026-12-24T17:00"), "spec.schedule.events[0].until")]
#[case("/schedule/events/0/factor", json!(0.5), "spec.schedule.events[0].factor")]
#[case("/latency/stepPods", json!(0), "spec.latency.stepPods")]
#[case("/latency/response/limit", json!("2"), "spec.latency.response.limit")]
#[case(
    "/latency/response/preset/quantile",
    Value::Null,
    "spec.latency.response.preset.quantile"
)]
#[case("/latency/response/preset/measure", json!("queueDepth"), "spec.latency.response.preset")]
#[case("/carbon/above/leave", json!("350 g/kWh"), "spec.carbon.above.leave")]
#[case("/carbon/above/enter", json!("300"), "spec.carbon.above.enter")]
#[case("/carbon/saving", json!({"enterPercent": 10, "leavePercent": 5, "ahead": "6h"}), "spec.carbon")]
#[case("/carbon", Value::Null, "spec.prewarm")]
#[case("/latency", Value::Null, "spec.carbon")]
#[case("/power/perReplica", json!("700"), "spec.power.perReplica")]
#[case("/prewarm/lead", json!("0s"), "spec.prewarm.lead")]
#[case("/scaleTargetRef/apiVersion", json!("a/b/c"), "spec.scaleTargetRef.apiVersion")]
fn each_fault_is_told_with_its_key(#[case] place: &str, #[case] value: Value, #[case] key: &str) {
    let mut wrong = full();
    let (parent, last) = place.rsplit_once('/').unwrap();
    let parent = wrong.pointer_mut(parent).unwrap();
    if value.is_null() {
        parent.as_object_mut().unwrap().remove(last);
    } else {
        parent[last] = value;
    }
    let found = spec(wrong).wanted().unwrap_err();
    assert!(
        found.iter().any(|problem| problem.path.starts_with(key)),
        "{key} is not among {found:?}"
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let mut wrong = full();
    wrong["metrics"][0]["type"] = json!("Cpu");
    wrong["latency"]["response"]["limit"] = json!("soon");
    wrong["power"]["budget"] = json!("a lot");
    let found = spec(wrong).wanted().unwrap_err();
    let keys: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        keys,
        [
            "spec.metrics[0].type",
            "spec.latency.response.limit",
            "spec.power.budget"
        ]
    );
}

#[test]
fn a_pasted_autoscaler_is_a_rightsizer() {
    let pasted = spec(json!({
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
        "minReplicas": 0,
        "maxReplicas": 3,
        "metrics": [{"type": "Object", "object": {
            "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "llm"},
            "metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "10"}}}]
    }));
    let wanted = pasted.wanted().unwrap();
    assert_eq!(wanted.mode, Mode::Recommend, "nothing is written unless asked");
    assert_eq!(wanted.plan.hpa.version, HpaVersion::From137);
    assert!(wanted.plan.hpa.behavior.is_none());
    let none = spec(json!({
        "scaleTargetRef": {"apiVersion": "v1", "kind": "Deployment", "name": "llm"},
        "minReplicas": 0, "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]
    }));
    let found = none.wanted().unwrap_err();
    assert_eq!(found[0].path, "spec.minReplicas", "CPU says nothing without replicas");
}

/// Triton has no histogram of its latency: what is read is a mean, of which there is no quantile.
#[test]
fn a_quantile_is_asked_for_where_there_is_a_histogram() {
    let mut triton = full();
    triton["latency"]["response"]["preset"] = json!({ "server": "triton", "measure": "latency" });
    assert!(spec(triton.clone()).wanted().is_ok());
    triton["latency"]["response"]["preset"]["quantile"] = json!(0.99);
    let found = spec(triton).wanted().unwrap_err();
    assert_eq!(found[0].path, "spec.latency.response.preset.quantile", "{found:?}");
}
