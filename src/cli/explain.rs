//! `heliotrope explain`: why a pod is where it is.

use super::admin;
use super::failure::Failure;
use super::render::{self, Output};
use super::whynot;
use crate::outbound::OutboundError;
use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::Value;
use std::io::Write;

/// Show what every candidate of a pod would cost, and where the pod went
///
/// Asks the admin listener of a running extender, such as one reached by `kubectl port-forward`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    /// Namespace and name of the pod
    #[arg(value_name = "NAMESPACE/POD")]
    pod: String,

    #[command(flatten)]
    admin: admin::Listener,

    /// Candidates shown, cheapest first
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,

    /// Only why the pod is not on this node: not offered, refused by which rule, left out, or dearer by how much and why
    #[arg(long, value_name = "NODE")]
    why_not: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

const EXAMPLES: &str = "Examples:
  heliotrope explain ml/train-0
  heliotrope explain ml/train-0 --why-not gpu-7
  heliotrope explain ml/train-0 -o json | jq '.candidates[0].cost'";

impl Explain {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        if self.pod.split('/').filter(|part| !part.is_empty()).count() != 2 {
            return Err(Failure::Usage(format!(
                "`{}` is not a pod: write namespace/name",
                self.pod
            )));
        }
        if self.why_not.as_ref().is_some_and(|node| node.trim().is_empty()) {
            return Err(Failure::Usage("--why-not wants the name of a node".to_owned()));
        }
        let decision = self.ask()?;
        match self.output {
            Output::Json => render::json(out, &decision)?,
            Output::Table if self.why_not.is_some() => whynot::write(out, &decision)?,
            Output::Table => self.table(out, &decision)?,
        }
        Ok(())
    }

    fn ask(&self) -> anyhow::Result<Value> {
        let mut query = vec![("pod", self.pod.as_str())];
        query.extend(self.why_not.as_deref().map(|node| ("node", node)));
        let body = admin::get(&self.admin, "explain", &query)?;
        let body = body.map_err(|error| match error {
            OutboundError::Status { status: 404, .. } => {
                anyhow!(
                    "no decision about {} is remembered there: was this extender asked, and did it answer neutrally?",
                    self.pod
                )
            }
            OutboundError::Transport { .. } => {
                anyhow!(
                    "{error}: does the admin listener of an extender listen at {}?",
                    self.admin
                )
            }
            error => anyhow!(error),
        })?;
        serde_json::from_slice(&body).context("the answer is not a decision")
    }

    fn table(&self, out: &mut dyn Write, decision: &Value) -> Result<(), Failure> {
        writeln!(out, "pod {} at {}", self.pod, text(&decision["at"]))?;
        if let Some(exempt) = decision["exempt"].as_str() {
            writeln!(out, "not steered: {exempt}")?;
            return Ok(());
        }
        let candidates: Vec<&Value> = decision["candidates"].as_array().into_iter().flatten().collect();
        let rung = text(&decision["rung"]);
        writeln!(
            out,
            "{} candidates, compared on the rung {rung}; snapshot {}",
            decision["offeredToUs"], decision["generation"]
        )?;
        if let Some(duration) = decision.pointer("/workload/duration").and_then(told_duration) {
            writeln!(out, "judged over {duration}")?;
        }
        if let Some(group) = decision["group"].as_object() {
            let region = &group["region"];
            let region = region["region"].as_str().or_else(|| region["zone"].as_str());
            writeln!(
                out,
                "gang {}: {} in region {}, {} to come",
                text(&group["key"]),
                text(&group["outcome"]),
                region.unwrap_or("-"),
                group["toCome"],
            )?;
        }
        let rows: Vec<[String; 12]> = candidates.iter().take(self.limit).map(|row| cells(row)).collect();
        render::table(out, HEADER, &rows)?;
        let preferred = candidates
            .iter()
            .find(|row| row["offered"] == true && !row["cost"].is_null());
        if let Some(row) = preferred {
            let figures = ["bare", "context", "slope"].map(|name| told_figure(name, &row[name]));
            let figures: Vec<String> = figures.into_iter().flatten().collect();
            if !figures.is_empty() {
                writeln!(out, "a board of {}: {}", text(&row["node"]), figures.join(", "))?;
            }
        }
        let preferred = preferred.map_or("nothing".to_owned(), |row| text(&row["node"]));
        match decision["bound"].as_str() {
            Some(bound) => writeln!(
                out,
                "preferred {preferred}, bound {bound}: {}",
                text(&decision["outcome"])
            )?,
            None => writeln!(out, "preferred {preferred}, not bound yet")?,
        }
        Ok(())
    }
}

/// For how long, and who said so: `PT1H (history of 5 runs)`.
fn told_duration(duration: &Value) -> Option<String> {
    let source = match &duration["source"] {
        Value::String(source) => source.clone(),
        source => format!("history of {} runs", source.pointer("/history/runs")?.as_u64()?),
    };
    Some(format!("{} ({source})", duration["span"].as_str()?))
}

/// `bare 72 W (observed, 40 samples)`.
fn told_figure(name: &str, figure: &Value) -> Option<String> {
    let (watts, source) = (figure["watts"].as_f64()?, figure["source"].as_str()?);
    Some(match figure["samples"].as_u64() {
        None | Some(0) => format!("{name} {watts:.0} W ({source})"),
        Some(samples) => format!("{name} {watts:.0} W ({source}, {samples} samples)"),
    })
}

/// Titles of [`cells`].
const HEADER: [&str; 12] = [
    "node",
    "zone",
    "model",
    "state",
    "W",
    "g",
    "g/kWh",
    "carbon from",
    "power",
    "score",
    "measured W",
    "host W",
];

/// One candidate as a row.
fn cells(row: &Value) -> [String; 12] {
    let cost = &row["cost"];
    [
        text(&row["node"]),
        text(&row["zone"]),
        text(&row["model"]),
        if row["awake"] == true { "awake" } else { "empty" }.to_owned(),
        number(&cost["watts"], 0),
        number(&cost["grams"], 1),
        number(&cost["intensity"], 0),
        text(&row["carbonSource"]),
        text(&row["powerRung"]),
        row["refused"]
            .as_str()
            .map_or_else(|| number(&row["score"], 0), |rule| format!("refused: {rule}")),
        number(&row["measuredWatts"], 0),
        number(&row["hostWatts"], 0),
    ]
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

pub(super) fn number(value: &Value, digits: usize) -> String {
    value.as_f64().map_or("-".to_owned(), |n| format!("{n:.digits$}"))
}
