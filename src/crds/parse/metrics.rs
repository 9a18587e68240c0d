use crate::crds::rightsizer::RightsizerSpec;
use crate::crds::rules::PresetSpec;
use crate::settings::Problems;
use heliotrope_core::quantity::parse_milli;
use heliotrope_core::rightsizing::hpa::{AverageTarget, Metric, Milli, TotalTarget};
use heliotrope_core::rightsizing::{ObjectRef, PromQuery, QueryError, Shape, Source};
use k8s_openapi::api::autoscaling::v2::{MetricIdentifier, MetricSpec, MetricTarget};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// Every metric, and where each is read.
pub(super) fn read(spec: &RightsizerSpec, problems: &mut Problems) -> (Vec<Metric>, Vec<Source>) {
    let told = told_sources(spec, problems);
    let metrics = spec.metrics.iter().enumerate();
    let read = metrics.filter_map(|(ix, metric)| {
        problems.within(format_args!("metrics[{ix}]"), |problems| one(metric, &told, problems))
    });
    read.unzip()
}

/// The sources that are told, by the metric's name.
fn told_sources<'a>(spec: &'a RightsizerSpec, problems: &mut Problems) -> Vec<(&'a str, PromQuery)> {
    let mut told: Vec<(&str, PromQuery)> = Vec::new();
    for (ix, source) in spec.sources.iter().enumerate() {
        problems.within(format_args!("sources[{ix}]"), |problems| {
            let name = source.metric.as_str();
            if !spec.metrics.iter().any(|metric| names(metric) == Some(name)) {
                problems.report(
                    "metric",
                    "is the name of no metric of type Pods, Object or External in metrics",
                );
            }
            if told.iter().any(|(other, _)| *other == name) {
                problems.report("metric", "has a source already");
            }
            if let Some(ask) = prometheus(source.preset.as_ref(), source.query.as_deref(), problems) {
                told.push((name, ask));
            }
        });
    }
    told
}

fn names(metric: &MetricSpec) -> Option<&str> {
    let named = match metric.type_.as_str() {
        "Pods" => &metric.pods.as_ref()?.metric,
        "Object" => &metric.object.as_ref()?.metric,
        "External" => &metric.external.as_ref()?.metric,
        _ => return None,
    };
    Some(&named.name)
}

/// What Prometheus is asked, from a preset or a query.
pub(super) fn prometheus(
    preset: Option<&PresetSpec>,
    query: Option<&str>,
    problems: &mut Problems,
) -> Option<PromQuery> {
    let asked = match (preset, query) {
        (Some(of), None) => PromQuery::preset((of.server, of.measure), of.quantile, of.labels.clone(), None),
        (None, Some(query)) => PromQuery::text(query),
        _ => {
            problems.report("", "set preset or query");
            return None;
        }
    };
    asked.map_err(|error| report(error, problems)).ok()
}

fn report(error: QueryError, problems: &mut Problems) {
    match error.key() {
        Some(key) => problems.within("preset", |problems| problems.report(key, error)),
        None => problems.report("query", error),
    }
}

fn one(metric: &MetricSpec, told: &[(&str, PromQuery)], problems: &mut Problems) -> Option<(Metric, Source)> {
    match metric.type_.as_str() {
        "Resource" => {
            let of = present(metric.resource.as_ref(), "resource", metric, problems)?;
            let source = Source::Resource {
                name: of.name.clone(),
                container: None,
            };
            Some((resource(&of.name, "resource", &of.target, problems)?, source))
        }
        "ContainerResource" => {
            let of = metric.container_resource.as_ref();
            let of = present(of, "containerResource", metric, problems)?;
            let source = Source::Resource {
                name: of.name.clone(),
                container: Some(of.container.clone()),
            };
            Some((resource(&of.name, "containerResource", &of.target, problems)?, source))
        }
        "Pods" => {
            let of = present(metric.pods.as_ref(), "pods", metric, problems)?;
            let target = problems.within("pods.target", |problems| average(&of.target, problems))?;
            let source = elsewhere(told, &of.metric, Shape::PerPod).unwrap_or_else(|| Source::Pods {
                metric: of.metric.name.clone(),
                selector: selector(&of.metric),
            });
            Some((Metric::Pods { target }, source))
        }
        "Object" => {
            let of = present(metric.object.as_ref(), "object", metric, problems)?;
            let target = problems.within("object.target", |problems| total(&of.target, problems))?;
            let source = elsewhere(told, &of.metric, Shape::Total).unwrap_or_else(|| Source::Object {
                object: ObjectRef {
                    api_version: of.described_object.api_version.clone().unwrap_or_default(),
                    kind: of.described_object.kind.clone(),
                    name: of.described_object.name.clone(),
                },
                metric: of.metric.name.clone(),
                selector: selector(&of.metric),
            });
            Some((Metric::Object(target), source))
        }
        "External" => {
            let of = present(metric.external.as_ref(), "external", metric, problems)?;
            let target = problems.within("external.target", |problems| total(&of.target, problems))?;
            let source = elsewhere(told, &of.metric, Shape::Total).unwrap_or_else(|| Source::External {
                metric: of.metric.name.clone(),
                selector: selector(&of.metric),
            });
            Some((Metric::External(target), source))
        }
        _ => {
            problems.report("type", "must be Resource, ContainerResource, Pods, Object or External");
            None
        }
    }
}

/// The part of a metric that its type says is there.
fn present<'m, T>(of: Option<&'m T>, key: &str, metric: &MetricSpec, problems: &mut Problems) -> Option<&'m T> {
    if of.is_none() {
        problems.report(key, format_args!("is missing, and type is {}", metric.type_));
    }
    of
}

/// The source that is told for a metric, if one is.
fn elsewhere(told: &[(&str, PromQuery)], metric: &MetricIdentifier, shape: Shape) -> Option<Source> {
    let found = told.iter().find(|(name, _)| *name == metric.name);
    found.map(|(_, ask)| Source::Prometheus {
        query: ask.clone(),
        shape,
    })
}

fn resource(name: &str, key: &str, target: &MetricTarget, problems: &mut Problems) -> Option<Metric> {
    problems.within(format_args!("{key}.target"), |problems| {
        let target = match (target.type_.as_str(), target.average_utilization) {
            ("Utilization", Some(percent)) if percent > 0 => AverageTarget::Utilisation(percent),
            ("Utilization", _) => {
                problems.report("averageUtilization", "must be at least 1");
                return None;
            }
            ("AverageValue", _) => AverageTarget::Value(average(target, problems)?),
            _ => {
                problems.report("type", "must be Utilization or AverageValue");
                return None;
            }
        };
        Some(Metric::Resource {
            target,
            of_cpu: name == "cpu",
        })
    })
}

fn average(target: &MetricTarget, problems: &mut Problems) -> Option<Milli> {
    if target.type_ != "AverageValue" {
        problems.report("type", "must be AverageValue");
        return None;
    }
    let text = target.average_value.as_ref().map(|amount| amount.0.as_str());
    positive("averageValue", text, problems)
}

fn total(target: &MetricTarget, problems: &mut Problems) -> Option<TotalTarget> {
    match target.type_.as_str() {
        "Value" => {
            let text = target.value.as_ref().map(|amount| amount.0.as_str());
            positive("value", text, problems).map(TotalTarget::Value)
        }
        "AverageValue" => average(target, problems).map(TotalTarget::AverageValue),
        _ => {
            problems.report("type", "must be Value or AverageValue");
            None
        }
    }
}

fn positive(key: &str, text: Option<&str>, problems: &mut Problems) -> Option<Milli> {
    let Some(text) = text else {
        problems.report(key, "is missing");
        return None;
    };
    let read = parse_milli(text).filter(|milli| *milli > 0);
    if read.is_none() {
        problems.report(key, "must be an amount above nothing, such as 30 or 1500m");
    }
    read
}

/// A label selector as the API takes it in a query.
fn selector(metric: &MetricIdentifier) -> Option<String> {
    let text = metric.selector.as_ref().map(as_text)?;
    (!text.is_empty()).then_some(text)
}

fn as_text(selector: &LabelSelector) -> String {
    let equal = selector.match_labels.iter().flatten();
    let equal = equal.map(|(key, value)| format!("{key}={value}"));
    let others = selector.match_expressions.iter().flatten().map(|expression| {
        let values = expression.values.as_deref().unwrap_or_default().join(",");
        match expression.operator.as_str() {
            "In" => format!("{} in ({values})", expression.key),
            "NotIn" => format!("{} notin ({values})", expression.key),
            "DoesNotExist" => format!("!{}", expression.key),
            _ => expression.key.clone(),
        }
    });
    equal.chain(others).collect::<Vec<_>>().join(",")
}
