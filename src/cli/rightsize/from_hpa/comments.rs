//! The manifest as text, with what to look at before and what to add after it.

use super::compose::Rightsizer;
use crate::cli::rightsize::TOLERANCE;
use crate::cli::rightsize::manifest::Autoscaler;
use crate::cli::rightsize::rightsizer::judge;
use crate::cli::text::paragraph;
use heliotrope_core::rightsizing::lint::{MetricKind, lint};
use heliotrope_core::rightsizing::serving::{Kind, Measure, Server, ServingMetric, of, recognise};
use serde::Serialize;
use std::io::{self, Write};

pub(super) fn write(out: &mut dyn Write, rightsizer: &Rightsizer, autoscaler: &Autoscaler) -> io::Result<()> {
    head(out, autoscaler)?;
    let value = serde_json::to_value(rightsizer)?;
    for problem in judge(&value, 1, TOLERANCE).problems {
        writeln!(out, "#")?;
        comment(out, &format!("The controller would refuse it: {problem}"))?;
    }
    let manifest = serde_saphyr::to_string(rightsizer).map_err(io::Error::other)?;
    write!(out, "{manifest}")?;
    more(out, autoscaler)
}

/// A line or more of comment. Names are others' and could have line breaks.
fn comment(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    paragraph(out, "# ", &plain)
}

fn head(out: &mut dyn Write, autoscaler: &Autoscaler) -> io::Result<()> {
    let name = match &autoscaler.namespace {
        Some(namespace) => format!("{namespace}/{}", autoscaler.name),
        None => autoscaler.name.clone(),
    };
    comment(
        out,
        &format!(
            "From the HorizontalPodAutoscaler {name}, with its target, bounds, metrics and behavior as they are."
        ),
    )?;
    writeln!(out, "#")?;
    comment(
        out,
        "It recommends: nothing but its own status is written, and the autoscaler goes on scaling. Before `mode: apply` delete \
         the autoscaler, for two never scale one target; `mode: bound` leaves it in charge and sets its bounds.",
    )?;
    if autoscaler.object.pointer("/spec/metrics").is_none() {
        writeln!(out, "#")?;
        comment(
            out,
            "The manifest names CPU otherwise or not at all; it stands here as the API server reads it.",
        )?;
    }
    for finding in lint(&autoscaler.subject) {
        writeln!(out, "#")?;
        let (severity, fault) = (finding.severity(), finding.fault.code());
        comment(
            out,
            &format!("{severity} {fault} at spec.{}: {}", finding.key, finding.what),
        )?;
        comment(out, &format!("To do: {}", finding.instead))?;
    }
    Ok(())
}

/// How a value of the API is written.
fn word(value: impl Serialize) -> String {
    let text = serde_json::to_value(value).ok();
    let text = text.as_ref().and_then(serde_json::Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// Keys that the autoscaler has no counterpart of, commented out, with what is known of the servers filled in.
fn more(out: &mut dyn Write, autoscaler: &Autoscaler) -> io::Result<()> {
    let named = autoscaler.subject.metrics.iter().filter(|metric| {
        matches!(
            metric.kind,
            MetricKind::Pods | MetricKind::Object | MetricKind::External
        )
    });
    let known: Vec<(&str, &ServingMetric)> = named
        .filter_map(|metric| Some((metric.name.as_str(), recognise(&metric.name)?)))
        .collect();
    writeln!(
        out,
        "  # What an autoscaler cannot do. Take what fits; docs/rightsizing.md explains each."
    )?;
    sources(out, &known)?;
    latency(out, &known)?;
    bounds(out, (autoscaler.subject.min, autoscaler.subject.max))
}

fn sources(out: &mut dyn Write, known: &[(&str, &ServingMetric)]) -> io::Result<()> {
    if known.is_empty() {
        return Ok(());
    }
    writeln!(out, "  # From Prometheus, without a metrics adapter:")?;
    writeln!(out, "  # sources:")?;
    for (name, row) in known {
        let (server, measure) = (word(row.server), word(row.measure));
        // A name that is in the table has no character that YAML would read otherwise.
        writeln!(
            out,
            "  # - {{metric: \"{name}\", preset: {{server: {server}, measure: {measure}}}}}"
        )?;
    }
    Ok(())
}

fn latency(out: &mut dyn Write, known: &[(&str, &ServingMetric)]) -> io::Result<()> {
    writeln!(
        out,
        "  # Latency as a veto on the way down and a step on the way up, for it is no ratio:"
    )?;
    writeln!(out, "  # latency:")?;
    let percentiles = |server: Server| of(server, Measure::Latency).is_some_and(|row| row.kind == Kind::Histogram);
    let mut servers = known.iter().map(|(_, row)| row.server);
    let source = match servers.find(|server| percentiles(*server)) {
        Some(server) => format!("preset: {{server: {}, measure: latency, quantile: 0.99}}", word(server)),
        None => "query: 'a percentile in seconds, from merged histogram buckets'".to_owned(),
    };
    writeln!(out, "  #   response: {{limit: 2s, calmPercent: 70, {source}}}")?;
    writeln!(out, "  #   stepPods: 1")?;
    writeln!(
        out,
        "  #   every: 2m                      # longer than a replica takes to start"
    )
}

fn bounds(out: &mut dyn Write, (min, max): (i32, i32)) -> io::Result<()> {
    writeln!(
        out,
        "  # Fewer replicas while waiting would save carbon, unless latency objects:"
    )?;
    writeln!(out, "  # carbon:")?;
    writeln!(
        out,
        "  #   saving: {{enterPercent: 20, leavePercent: 10, ahead: 6h, stretch: 1h}}"
    )?;
    writeln!(out, "  #   maxReplicas: {}", max.div_euclid(2).max(min).max(1))?;
    writeln!(out, "  #   rest: 10m")?;
    writeln!(out, "  # By the clock, ready before the load comes:")?;
    writeln!(out, "  # schedule:")?;
    writeln!(out, "  #   levels:")?;
    let level = "{days: [mon, tue, wed, thu, fri], from: \"08:00\", until: \"18:00\", timeZone: Europe/Berlin";
    let least = min.max(1).saturating_add(1).min(max.max(1));
    writeln!(out, "  #   - {level}, minReplicas: {least}, ramp: 30m}}")
}
