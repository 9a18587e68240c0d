//! `heliotrope explain --why-not`: the answer of the admin listener in words.

use super::explain::{number, text};
use super::render;
use serde_json::Value;
use std::io::{self, Write};

/// Writes why the pod is not on the node: a sentence, what it rests on, and where the pod is.
pub(super) fn write(out: &mut dyn Write, answer: &Value) -> io::Result<()> {
    writeln!(out, "{}", sentence(&text(&answer["node"]), answer))?;
    match answer["why"].as_str() {
        Some("scored") => gap(out, &answer["gap"])?,
        Some("refused") => domains(out, answer)?,
        _ => {}
    }
    if answer["why"] != "exempt" && answer["steered"] == false {
        writeln!(
            out,
            "kube-scheduler was not told: the pod's mode is {}, and the answer was neutral",
            text(&answer["mode"])
        )?;
    }
    match answer["bound"].as_str() {
        Some(bound) => writeln!(out, "the pod is bound to {bound}"),
        None => writeln!(out, "the pod is not bound yet"),
    }
}

fn sentence(node: &str, answer: &Value) -> String {
    let more = || more(answer);
    match answer["why"].as_str().unwrap_or_default() {
        "exempt" => format!("the pod is not steered: {}", text(&answer["exemption"])),
        "not-offered" => not_offered(node, answer),
        "unknown-node" => format!(
            "kube-scheduler offered {node}, and the watch had not told of it yet: it was neither weighed nor refused, and got \
             the median score"
        ),
        "forgotten" => format!(
            "what was decided about {node} is not remembered: of old decisions only the cheapest rows are. The decision log has it"
        ),
        "refused" => format!(
            "{node} is refused by rule {}: {}",
            text(&answer["rule"]),
            rule(node, answer)
        ),
        "left-out" => left_out(node, answer),
        "unpriced" => format!(
            "{node} was in the answer with the median score, {}: what it costs is not known, for {}",
            score(&answer["score"]),
            match answer["missing"].as_str() {
                Some("zone") => "its grid zone is not",
                Some("model") => "its GPU model is not",
                _ => "its zone has no intensity on the rung of the comparison",
            }
        ),
        "preferred" => format!("{node} is the preferred node, score {}", score(&answer["score"])),
        "scored" if answer["inBand"] == true => format!(
            "{node} is as good as the preferred {}: {}, which is within the band. Other plugins of kube-scheduler decide \
             between them",
            text(&answer["preferred"]),
            more()
        ),
        "scored" => format!(
            "{node} scored {}, and {} was preferred with {}{}: {}",
            score(&answer["score"]),
            text(&answer["preferred"]),
            score(&answer["preferredScore"]),
            answer["points"]
                .as_u64()
                .map_or(String::new(), |points| format!(", {points} points more")),
            more(),
        ),
        _ => "the extender gives a reason that this version does not know: see --output json".to_owned(),
    }
}

/// `it costs 12.0 g, 3.0 g more than …`.
fn more(answer: &Value) -> String {
    match (answer["grams"].as_f64(), answer["more"].as_f64()) {
        (Some(grams), Some(more)) => format!("it costs {grams:.1} g, {more:.1} g more than the preferred node"),
        (Some(grams), None) => format!("it costs {grams:.1} g"),
        _ => "what it costs is not known".to_owned(),
    }
}

fn score(value: &Value) -> String {
    value
        .as_u64()
        .map_or("not told yet".to_owned(), |score| score.to_string())
}

fn not_offered(node: &str, answer: &Value) -> String {
    let offered = &answer["offered"];
    match answer["unnamed"].as_u64() {
        Some(unnamed) if unnamed > 0 => format!(
            "{node} is not among the nodes judged: of {offered} that kube-scheduler offered, {unnamed} were unknown and are not \
             remembered by name, and it is one of them or was not offered"
        ),
        _ => format!(
            "kube-scheduler did not offer {node}: its own filters refused it, or it was not in the sample; it offered {offered} \
             nodes"
        ),
    }
}

fn left_out(node: &str, answer: &Value) -> String {
    let why = match answer["by"].as_str() {
        Some("keep") => format!(
            "by cost it is number {}, and {} were kept (placement.keep)",
            answer["rank"], answer["kept"]
        ),
        Some("region") => "nobody knows its region, and the pod's gang has nodes in one that is known".to_owned(),
        _ => {
            "with a pod like this one a power domain would be full, and only as much of them is held as one pod needs"
                .to_owned()
        }
    };
    format!(
        "filter left {node} out, though no rule refuses it: {why}; {}",
        more(answer)
    )
}

fn rule(node: &str, answer: &Value) -> String {
    match answer["rule"].as_str() {
        Some("zone") => format!("zone {} is not allowed", text(&answer["zone"])),
        Some("ceiling") => format!(
            "zone {} is above the ceiling of {} g/kWh ({} g/kWh expected over the run)",
            text(&answer["zone"]),
            number(&answer["ceiling"], 0),
            number(&answer["intensity"], 0)
        ),
        Some("power-cap") => format!(
            "the pod may draw {} W there, for which a power domain has no room",
            number(&answer["bookedGpuWatts"], 0)
        ),
        Some("group") => {
            let group = &answer["group"];
            format!(
                "gang {} goes to region {}, and {node} stands in {}",
                text(&group["key"]),
                region(&group["region"]),
                region(&answer["region"])
            )
        }
        Some("outside-band") => format!(
            "{}; in strict mode the band is {} %",
            more(answer),
            number(&Value::from(answer["band"].as_f64().unwrap_or(0.0) * 100.0), 1)
        ),
        _ => more(answer),
    }
}

/// A region, or the zone that stands for one.
fn region(value: &Value) -> String {
    let named = value["region"].as_str().or_else(|| value["zone"].as_str());
    named.unwrap_or("one that nobody knows").to_owned()
}

/// The terms of a difference in cost.
fn gap(out: &mut dyn Write, gap: &Value) -> io::Result<()> {
    let terms = [
        ("carbon", "carbon", "the grid of its zone"),
        ("power", "power", "watts, run time and PUE"),
        ("wake", "wake", "waking an empty node"),
        ("stranded", "stranded", "GPUs that no pending pod could use"),
    ];
    let rows = terms.map(|(name, key, what)| {
        let grams = gap[key].as_f64().map_or("-".to_owned(), signed);
        [name.to_owned(), grams, what.to_owned()]
    });
    render::table(out, ["through", "g", ""], &rows)
}

/// What rounds to nothing has no sign.
fn signed(grams: f64) -> String {
    let text = format!("{grams:+.1}");
    if text.ends_with("0.0") && text.len() == 4 {
        "0.0".to_owned()
    } else {
        text
    }
}

/// The power domains that have no room.
fn domains(out: &mut dyn Write, answer: &Value) -> io::Result<()> {
    let rows: Vec<[String; 5]> = answer["domains"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|domain| {
            [
                format!("{}={}", text(&domain["domain"]), text(&domain["value"])),
                number(&domain["capGpuWatts"], 0),
                number(&domain["usableGpuWatts"], 0),
                number(&domain["committedGpuWatts"], 0),
                number(&domain["reservedGpuWatts"], 0),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    render::table(
        out,
        ["power domain", "cap W", "for this pod W", "committed W", "promised W"],
        &rows,
    )
}
