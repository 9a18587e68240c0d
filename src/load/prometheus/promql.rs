//! Expressions.
//!
//! One question asks for several things at once, so that they are of one moment: each part bears a label of its own
//! ([`PART`]) that says what it is.

use crate::load::cause::Cause;
use crate::load::settings::PrometheusSettings;
use crate::load::target::Target;
use heliotrope_core::rightsizing::Preset;
use heliotrope_core::rightsizing::serving::{Kind, Measure, Server, Unit, of};
use jiff::SignedDuration;

/// The label that tells the parts of an answer apart.
pub(super) const PART: &str = "heliotrope_part";
/// What was asked for.
pub(super) const VALUE: &str = "value";
/// When it was scraped, in seconds since 1970.
pub(super) const STAMP: &str = "stamp";
/// Requests that were finished, per second.
pub(super) const RATE: &str = "rate";
/// Requests that wait or are worked on.
pub(super) const BUSY: &str = "busy";
/// Pods of which nothing can be scraped, and when that was tried last, in seconds since 1970.
pub(super) const DOWN: &str = "down";

/// Bytes of a matcher that names pods. Servers take more, proxies before them often 8 KiB for a whole address.
const MAX_PODS: usize = 16 * 1024;

/// A part of an answer.
pub(super) fn part(name: &str, expression: &str) -> String {
    format!("label_replace({expression}, \"{PART}\", \"{name}\", \"{PART}\", \"\")")
}

/// Which series are of a target.
pub(super) struct Scope<'a> {
    /// Matchers, one list for each way in which the pod may be named.
    matchers: Vec<String>,
    /// Those that say which pods, as a scrape target bears them.
    scraped: String,
    labels: &'a PrometheusSettings,
    server: Server,
}

impl<'a> Scope<'a> {
    pub(super) fn of(target: &Target<'_>, preset: &Preset, labels: &'a PrometheusSettings) -> Result<Self, Cause> {
        let pods = pods(target)?;
        let mut own = String::new();
        for (name, value) in preset.labels() {
            own.extend([",", name, "=", &quote(value)]);
        }
        let PrometheusSettings {
            namespace_label,
            pod_label,
            ..
        } = labels;
        let named = |prefix: &str| {
            let namespace = quote(target.namespace);
            format!("{prefix}{namespace_label}={namespace},{prefix}{pod_label}=~{pods}")
        };
        let scraped = named("");
        let mut matchers = vec![format!("{scraped}{own}")];
        // An exporter names the pod that holds a board. Its own pod's labels push those aside unless `honor_labels` is set.
        if preset.row().server == Server::Dcgm {
            matchers.push(format!("{}{own}", named("exported_")));
        }
        Ok(Self {
            matchers,
            scraped,
            labels,
            server: preset.row().server,
        })
    }

    /// An expression over each selector of a metric, of which a series matches one.
    fn each(&self, metric: &str, expression: impl Fn(&str) -> String) -> String {
        let each = self
            .matchers
            .iter()
            .map(|matchers| expression(&format!("{metric}{{{matchers}}}")));
        let each: Vec<String> = each.collect();
        if each.len() == 1 {
            return each.concat();
        }
        format!("({})", each.join(" or "))
    }

    /// The labels that name a pod, the one that counts first.
    fn by_pod(&self) -> String {
        let pod = &self.labels.pod_label;
        if self.server == Server::Dcgm {
            format!(" by (exported_{pod}, {pod})")
        } else {
            format!(" by ({pod})")
        }
    }

    /// Pods of which no target at all can be scraped, with the time of the last try.
    fn down(&self) -> String {
        let (pod, up) = (&self.labels.pod_label, format!("up{{{}}}", self.scraped));
        format!("(max by ({pod}) (timestamp({up})) and on ({pod}) (max by ({pod}) ({up}) == 0))")
    }
}

/// A preset's question, of each pod or of all together.
pub(super) fn preset(preset: &Preset, scope: &Scope<'_>, per_pod: bool, window: SignedDuration) -> String {
    let by = if per_pod { scope.by_pod() } else { String::new() };
    let metric = preset.row().name;
    let rate = |metric: &str| scope.each(metric, |selector| format!("rate({selector}[{}s])", window.as_secs()));
    let stamp = |metric: &str| scope.each(metric, |selector| format!("timestamp({selector})"));
    let mut parts = Vec::new();
    match preset.row().kind {
        Kind::Gauge | Kind::Summary => {
            // Shares are of a whole each: the mean of several is a share again, their sum is not.
            let aggregate = if matches!(preset.row().unit, Unit::Ratio | Unit::Percent) {
                "avg"
            } else {
                "sum"
            };
            let gauge = scope.each(metric, str::to_owned);
            parts.push(part(VALUE, &format!("{aggregate}{by} ({gauge})")));
            parts.push(part(STAMP, &format!("min{by} ({})", stamp(metric))));
        }
        Kind::Counter if preset.row().unit.seconds().is_none() => {
            parts.push(part(VALUE, &format!("sum{by} ({})", rate(metric))));
            parts.push(part(STAMP, &format!("max{by} ({})", stamp(metric))));
        }
        // A sum of durations: over the requests that were finished, it is their mean.
        Kind::Counter => {
            let count = of(preset.row().server, Measure::Requests).map_or(metric, |row| row.name);
            let finished = format!("sum{by} ({})", rate(count));
            parts.push(part(VALUE, &format!("(sum{by} ({}) / {finished})", rate(metric))));
            parts.push(part(RATE, &finished));
            parts.push(part(STAMP, &format!("max{by} ({})", stamp(count))));
        }
        Kind::Histogram => {
            let (bucket, count) = (format!("{metric}_bucket"), format!("{metric}_count"));
            let quantile = preset.quantile().unwrap_or(0.5);
            let merged = format!("sum by (le) ({})", rate(&bucket));
            parts.push(part(VALUE, &format!("histogram_quantile({quantile}, {merged})")));
            parts.push(part(RATE, &format!("sum({})", rate(&count))));
            parts.push(part(STAMP, &format!("max({})", stamp(&count))));
        }
    }
    if !per_pod {
        parts.push(part(DOWN, &scope.down()));
        let gauges = [Measure::Concurrency, Measure::QueueDepth].map(|measure| of(scope.server, measure));
        let gauges = gauges
            .into_iter()
            .flatten()
            .map(|row| scope.each(row.name, str::to_owned));
        let busy: Vec<String> = gauges.map(|gauge| format!("(sum({gauge}) or vector(0))")).collect();
        if preset.row().measure.is_latency() && !busy.is_empty() {
            parts.push(part(BUSY, &format!("({})", busy.join(" + "))));
        }
    }
    parts.join(" or ")
}

/// A query of a tenant's own. Only of a bare selector can Prometheus say when its samples were taken: what a function or an
/// aggregation gives has the time of the question.
pub(super) fn own(query: &str) -> String {
    // A comment at the end of it would swallow the rest of a line.
    let value = part(VALUE, &format!("(\n{query}\n)"));
    if calls(query) {
        return value;
    }
    format!("{value} or {}", part(STAMP, &format!("timestamp(\n{query}\n)")))
}

/// Whether there is a parenthesis outside of quoted text.
fn calls(query: &str) -> bool {
    let (mut quote, mut escaped) = (None, false);
    for c in query.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(open) if c == '\\' && open != '`' => escaped = true,
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if c == '(' => return true,
            Some(_) | None => {}
        }
    }
    false
}

/// Text as Prometheus reads it between double quotes.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A pattern, quoted, that matches the names of the target's pods and no others. What all names begin with stands once.
fn pods(target: &Target<'_>) -> Result<String, Cause> {
    let mut names: Vec<&str> = target.pods.iter().map(|pod| pod.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let (Some(first), Some(last)) = (names.first(), names.last()) else {
        return Err(Cause::NoPods);
    };
    // Of sorted names the first and the last have the least in common.
    let shared: usize = first
        .chars()
        .zip(last.chars())
        .take_while(|(a, b)| a == b)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let prefix = literal(first.get(..shared).unwrap_or_default());
    let rests: Vec<String> = names
        .iter()
        .map(|name| literal(name.get(shared..).unwrap_or_default()))
        .collect();
    let pattern = match rests.as_slice() {
        [one] => format!("{prefix}{one}"),
        many => format!("{prefix}(?:{})", many.join("|")),
    };
    let pattern = quote(&pattern);
    if pattern.len() > MAX_PODS {
        return Err(Cause::TooManyPods);
    }
    Ok(pattern)
}

/// Text that a pattern takes as it is.
fn literal(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if !c.is_alphanumeric() && c != '-' && c != '_' {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
