//! Slips of one extender.

use super::super::finding::{Kind, Severity};
use super::view::View;
use super::{Expectations, Found};
use heliotrope_core::gpu::GpuResource;
use std::time::Duration;
use url::{Host, Url};

/// kube-scheduler's own `httpTimeout`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

const fn kind(code: &'static str, severity: Severity, meaning: &'static str, remedy: &'static str) -> Kind {
    Kind {
        code,
        severity,
        meaning,
        remedy,
    }
}

const NO_URL: Kind = kind(
    "no-address",
    Severity::Error,
    "kube-scheduler cannot reach the extender.",
    "Write urlPrefix: http://127.0.0.1:8650, or the address of extender.listen.",
);
const NOT_VERIFIED: Kind = kind(
    "https-without-ca",
    Severity::Error,
    "With enableHTTPS and no CA kube-scheduler does not verify the certificate: anybody on the way can place pods and read them.",
    "Name the CA in tlsConfig.caFile or caData, and leave tlsConfig.insecure out.",
);
const HTTPS_UNSERVED: Kind = kind(
    "https-not-served",
    Severity::Error,
    "Heliotrope's extender speaks plain HTTP on loopback: every call fails, and prioritize fails silently.",
    "Write urlPrefix: http://127.0.0.1:8650 and take enableHTTPS and tlsConfig out.",
);
const PLAIN_HTTP: Kind = kind(
    "plain-http",
    Severity::Error,
    "Pods and answers cross the network without encryption or authentication: anybody on the way can place pods.",
    "Run the extender beside the scheduler and use a loopback address.",
);
const OTHER_ADDRESS: Kind = kind(
    "other-address",
    Severity::Error,
    "The scheduler asks where Heliotrope does not listen; with `ignorable: true` nothing shows it but metrics that stay at zero.",
    "Make urlPrefix and extender.listen the same.",
);
const WRONG_PATH: Kind = kind(
    "wrong-path",
    Severity::Error,
    "Heliotrope answers at /filter, /prioritize and /preempt and nowhere else: every call gets 404, and a failed prioritize is \
     logged at verbosity 5 only.",
    "Write urlPrefix without a path, and the verbs filter, prioritize and preempt.",
);
const NO_VERB: Kind = kind(
    "missing-verb",
    Severity::Error,
    "Without filterVerb no node is refused and decisions are not recorded; without prioritizeVerb nothing is ranked.",
    "Write filterVerb: filter and prioritizeVerb: prioritize.",
);
const NO_PREEMPT: Kind = kind(
    "no-preempt-verb",
    Severity::Error,
    "A pod of high priority that filter refuses everywhere evicts pods from full nodes, one after another, and stays pending.",
    "Write preemptVerb: preempt.",
);
const BINDS: Kind = kind(
    "bind-verb",
    Severity::Error,
    "Heliotrope does not bind: no pod would be bound.",
    "Take bindVerb out.",
);
const NO_WEIGHT: Kind = kind(
    "no-weight",
    Severity::Error,
    "kube-scheduler does not start with a prioritizeVerb whose weight is not above zero.",
    "Write weight: 5; a node's total gets up to weight x 100 points from Heliotrope.",
);
const NOT_IGNORABLE: Kind = kind(
    "not-ignorable",
    Severity::Warning,
    "When the extender is down or slow, the pods it manages are not scheduled at all.",
    "Write ignorable: true.",
);
const WHOLE_NODES: Kind = kind(
    "whole-nodes",
    Severity::Error,
    "Whole Node objects are sent (80 MB for 5,000 nodes), and since 1.33 NodeResourcesFit then sees every node as empty once an \
     extender has filtered (kubernetes issue 141781).",
    "Write nodeCacheCapable: true.",
);
const DEFAULT_WAIT: Kind = kind(
    "long-timeout",
    Severity::Warning,
    "An extender that hangs holds the scheduling of every pod for as long, twice (the default is 5 s).",
    "Write httpTimeout: 500ms.",
);
const SHORT_WAIT: Kind = kind(
    "short-timeout",
    Severity::Warning,
    "The scheduler gives up before Heliotrope answers neutrally: late answers become errors, and a failed prioritize is silent.",
    "Make httpTimeout longer than extender.deadline.",
);
const UNREADABLE_WAIT: Kind = kind(
    "unreadable-timeout",
    Severity::Error,
    "kube-scheduler does not start with it.",
    "Write a duration such as 500ms.",
);
const HIDDEN: Kind = kind(
    "ignored-by-scheduler",
    Severity::Error,
    "NodeResourcesFit does not count the resource any more: GPUs are given out twice.",
    "Write ignoredByScheduler: false.",
);
const EVERY_POD: Kind = kind(
    "every-pod",
    Severity::Note,
    "Without managedResources the scheduler asks about every pod of the cluster, twice: pods without GPUs get a neutral answer \
     and pay for the calls.",
    "List the GPU resources of your nodes (`heliotrope scheduler-config --from-nodes`), unless pods get GPUs by resourceClaims.",
);

pub(super) fn check(extender: &View<'_>, ours: bool, expected: Expectations, found: &mut Found<'_>) {
    address(extender, ours, expected, found);
    verbs(extender, ours, found);
    timeout(extender, ours, expected, found);
    if !extender.key("ignorable").is_true() {
        found.note(
            NOT_IGNORABLE,
            &extender.key("ignorable").path,
            "the extender is not ignorable",
        );
    }
    if !extender.key("nodeCacheCapable").is_true() {
        found.note(
            WHOLE_NODES,
            &extender.key("nodeCacheCapable").path,
            "whole nodes are sent",
        );
    }
    let managed = extender.key("managedResources").items();
    for resource in &managed {
        let name = resource.key("name").text().unwrap_or_default();
        let hidden = resource.key("ignoredByScheduler");
        if hidden.is_true() && GpuResource::parse(name).is_some() {
            found.note(
                HIDDEN,
                &hidden.path,
                format_args!("{name} is hidden from the scheduler"),
            );
        }
    }
    if ours && managed.is_empty() {
        found.note(
            EVERY_POD,
            &extender.key("managedResources").path,
            "no resource is named",
        );
    }
}

fn address(extender: &View<'_>, ours: bool, expected: Expectations, found: &mut Found<'_>) {
    let prefix = extender.key("urlPrefix");
    let url = prefix.text().and_then(|text| Url::parse(text).ok());
    let Some(url) = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.host().is_some()) else {
        found.note(NO_URL, &prefix.path, "there is no http address");
        return;
    };
    let tls = extender.key("tlsConfig");
    let has_ca = ["caFile", "caData"].iter().any(|key| tls.key(key).text().is_some());
    if url.scheme() == "https" || extender.key("enableHTTPS").is_true() {
        if !has_ca || tls.key("insecure").is_true() {
            let at = extender.key("enableHTTPS").path;
            found.note(NOT_VERIFIED, &at, "the certificate is not verified");
        } else if ours {
            found.note(HTTPS_UNSERVED, &prefix.path, "https is asked for");
        }
        return;
    }
    if !is_loopback(&url) {
        found.note(PLAIN_HTTP, &prefix.path, "plain http leaves this host");
    } else if ours
        && let Some(listen) = expected.listen
        && url.port_or_known_default() != Some(listen.port())
    {
        found.note(OTHER_ADDRESS, &prefix.path, format_args!("extender.listen is {listen}"));
    }
    if ours && !["", "/"].contains(&url.path()) {
        found.note(WRONG_PATH, &prefix.path, "urlPrefix has a path");
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn verbs(extender: &View<'_>, ours: bool, found: &mut Found<'_>) {
    let verb = |key: &str| extender.key(key).text();
    let weight = extender.key("weight");
    if verb("prioritizeVerb").is_some() && weight.number().is_none_or(|weight| weight <= 0) {
        found.note(NO_WEIGHT, &weight.path, "prioritizeVerb has no weight");
    }
    if !ours {
        return;
    }
    for (key, ours) in [
        ("filterVerb", "filter"),
        ("prioritizeVerb", "prioritize"),
        ("preemptVerb", "preempt"),
    ] {
        let at = extender.key(key).path;
        match verb(key) {
            // A slash at either end makes no other path of it for kube-scheduler.
            Some(verb) if verb != ours => found.note(WRONG_PATH, &at, format_args!("the verb is not `{ours}`")),
            Some(_) => {}
            None if key == "preemptVerb" => found.note(NO_PREEMPT, &at, "there is no preemptVerb"),
            None => found.note(NO_VERB, &at, format_args!("there is no {key}")),
        }
    }
    if verb("bindVerb").is_some() {
        found.note(BINDS, &extender.key("bindVerb").path, "there is a bindVerb");
    }
}

fn timeout(extender: &View<'_>, ours: bool, expected: Expectations, found: &mut Found<'_>) {
    let at = extender.key("httpTimeout");
    let wait = match at.text() {
        None => DEFAULT_TIMEOUT,
        Some(text) => match go_duration(text) {
            Some(Duration::ZERO) => DEFAULT_TIMEOUT,
            Some(wait) => wait,
            None => return found.note(UNREADABLE_WAIT, &at.path, "httpTimeout is no duration"),
        },
    };
    if wait >= DEFAULT_TIMEOUT {
        found.note(
            DEFAULT_WAIT,
            &at.path,
            format_args!("the scheduler waits {} s", wait.as_secs_f64()),
        );
    } else if ours && wait <= expected.deadline {
        let (wait, deadline) = (wait.as_millis(), expected.deadline.as_millis());
        found.note(
            SHORT_WAIT,
            &at.path,
            format_args!("the scheduler waits {wait} ms, extender.deadline is {deadline} ms"),
        );
    }
}

/// `time.ParseDuration` of Go, without a sign: `500ms`, `1m0s`, `1.5s`, `0`.
fn go_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 8] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("μs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(end)?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, millis) in [
            ("500ms", 500),
            ("1m0s", 60_000),
            ("1.5s", 1500),
            ("0", 0),
            ("1h", 3_600_000),
        ] {
            assert_eq!(go_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "500", "5 s", "-1s", "s", "1s2"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }
}
