use crate::crds::rightsizer::RightsizerSpec;

/// Core names a rule's parts by what they are, a manifest by what people set: the same place in the manifest's words.
pub(super) fn in_manifest(key: &str, spec: &RightsizerSpec) -> String {
    let dirty = match &spec.carbon {
        Some(carbon) if carbon.above.is_some() => "above",
        _ => "saving",
    };
    let percent = if dirty == "saving" { "Percent" } else { "" };
    match key {
        "latency.latency.limit" => "latency.response.limit".to_owned(),
        "latency.step" if spec.latency.as_ref().is_some_and(|rule| rule.step_percent.is_some()) => {
            "latency.stepPercent".to_owned()
        }
        "latency.step" => "latency.stepPods".to_owned(),
        "carbon.ceiling" => "carbon.maxReplicas".to_owned(),
        "carbon.when.leave" => format!("carbon.{dirty}.leave{percent}"),
        "carbon.when.ahead" => format!("carbon.{dirty}.ahead"),
        key if key.starts_with("schedule.levels") => match key.rsplit_once('.') {
            Some((level, bound @ ("min" | "max"))) => format!("{level}.{bound}Replicas"),
            _ => key.to_owned(),
        },
        key => key.to_owned(),
    }
}
