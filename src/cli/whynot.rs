//! One sentence of `heliotrope explain --why-not`.

use super::explain::{number, text};
use serde_json::Value;

/// Why the pod is not on the node, from the answer of the admin listener.
pub(super) fn sentence(node: &str, answer: &Value) -> String {
    let more = || number(&answer["more"], 1);
    match answer["why"].as_str().unwrap_or_default() {
        "exempt" => format!("the pod is not steered: {}", text(&answer["exemption"])),
        "not-offered" if answer["unknown"].as_u64().unwrap_or(0) > 0 => format!(
            "{node} is not among the nodes judged: of {} that kube-scheduler offered, {} were unknown to the snapshot, and \
             it is one of them or was not offered",
            answer["offered"], answer["unknown"]
        ),
        "not-offered" => format!(
            "kube-scheduler did not offer {node}: its own filters refused it or it was not in the sample; it offered {} nodes",
            answer["offered"]
        ),
        "forgotten" => {
            format!("what was decided about {node} is not remembered: only the cheapest rows of old decisions are")
        }
        "refused" => refused(node, answer),
        "left-out" => format!(
            "filter left {node} out: by cost it is number {}, the cheapest {} were kept; {} g, {} g more than the preferred node",
            answer["rank"],
            answer["kept"],
            number(&answer["grams"], 1),
            more()
        ),
        "unpriced" => format!("{node} was in the answer, but what it costs is not known"),
        "preferred" => match answer["bound"].as_str() {
            Some(bound) if bound == node => format!("{node} is the preferred node, and the pod is bound to it"),
            Some(bound) => format!("{node} is the preferred node; kube-scheduler bound the pod to {bound}"),
            None => format!("{node} is the preferred node; the pod is not bound yet"),
        },
        "scored" => {
            let bound = answer["bound"].as_str().map_or_else(
                || "the pod is not bound yet".to_owned(),
                |bound| format!("bound to {bound}"),
            );
            format!(
                "{node} was scored {}, and {} was preferred with {}: {node} costs {} g, {} g more; {bound}",
                number(&answer["score"], 0),
                text(&answer["preferred"]),
                number(&answer["preferredScore"], 0),
                number(&answer["grams"], 1),
                more(),
            )
        }
        _ => "the extender gives a reason that this version does not know: see --output json".to_owned(),
    }
}

fn refused(node: &str, answer: &Value) -> String {
    let rule = text(&answer["rule"]);
    let detail = match rule.as_str() {
        "zone" => format!("zone {} is not allowed", text(&answer["zone"])),
        "ceiling" => format!(
            "zone {} at {} g/kWh is above the ceiling",
            text(&answer["zone"]),
            number(&answer["intensity"], 0)
        ),
        "power-cap" => {
            let domains: Vec<String> = answer["domains"].as_array().into_iter().flatten().map(domain).collect();
            format!(
                "the pod may draw {} W more; {}",
                number(&answer["bookedGpuWatts"], 0),
                domains.join("; ")
            )
        }
        "group" => {
            let group = &answer["group"];
            let region = &group["region"];
            let region = region["region"].as_str().or_else(|| region["zone"].as_str());
            format!("gang {} goes to region {}", text(&group["key"]), region.unwrap_or("-"))
        }
        _ => format!(
            "it costs {} g, {} g more than the preferred node",
            number(&answer["grams"], 1),
            number(&answer["more"], 1)
        ),
    };
    format!("{node} is refused by rule {rule}: {detail}")
}

fn domain(domain: &Value) -> String {
    format!(
        "{}={}: cap {} W, committed {} W, promised {} W",
        text(&domain["domain"]),
        text(&domain["value"]),
        number(&domain["capGpuWatts"], 0),
        number(&domain["committedGpuWatts"], 0),
        number(&domain["reservedGpuWatts"], 0)
    )
}
