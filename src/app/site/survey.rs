//! What stands in the way in the cluster itself.

use super::finding::{Finding, Kind, Severity};
use super::power::Telemetry;
use super::scheduler::{self, Expectations};
use crate::app::settings::Loaded;
use crate::cluster::{SchedulerText, Seen, Survey, SurveyedNode, SurveyedPod};
use heliotrope_core::quantity::Watts;
use heliotrope_core::snapshot::{ClusterEvent, NodeState, PowerRung, Snapshot, SnapshotBuilder, Surroundings};
use heliotrope_core::workload::{OwnerKind, PodPhase};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

const fn kind(code: &'static str, severity: Severity, meaning: &'static str, remedy: &'static str) -> Kind {
    Kind {
        code,
        severity,
        meaning,
        remedy,
    }
}

const MAY_NOT_READ: Kind = kind(
    "may-not-read",
    Severity::Warning,
    "What depends on it was not checked.",
    "Use a kubeconfig whose user has the ClusterRole heliotrope-check (deploy/kustomize/check).",
);
const NOT_READ: Kind = kind(
    "not-read",
    Severity::Warning,
    "What depends on it was not checked.",
    "Try again; see what the API server logs.",
);
const KEPT_AWAKE: Kind = kind(
    "cpu-pods-keep-gpu-node-awake",
    Severity::Warning,
    "Nothing on these GPU nodes asks for a GPU, and yet they cannot be removed or count as empty: their idle watts are drawn for pods \
     that would run anywhere. Watts are the model's for an idle node, weighed by placement.wake.",
    "Taint GPU nodes (nvidia.com/gpu=:NoSchedule; pods that ask for GPUs tolerate it by the ExtendedResourceToleration admission \
     plugin), and restart these pods.",
);
const NO_REGION: Kind = kind(
    "no-region",
    Severity::Warning,
    "The node's grid is not known: it gets the median score, whatever its grid.",
    "Label it with its region (cluster.regionLabel) or its grid zone (cluster.zoneLabel).",
);
const UNKNOWN_REGION: Kind = kind(
    "unknown-region",
    Severity::Warning,
    "No table says in which grid the region lies: its nodes get the median score.",
    "Add the region to carbon.regionsFile, or label the nodes with their grid zone (cluster.zoneLabel).",
);
const NO_MODEL: Kind = kind(
    "no-gpu-model",
    Severity::Warning,
    "The node's watts are not known: it gets the median score.",
    "Run gpu-feature-discovery or the vendor's labeller, or name your label in cluster.gpuProductLabels.",
);
const UNKNOWN_MODEL: Kind = kind(
    "unknown-gpu-model",
    Severity::Warning,
    "No profile says what the model draws: its nodes get the median score.",
    "Add a profile for it to the file that power.gpuProfilesFile names.",
);
const NO_SOURCE: Kind = kind(
    "zone-without-source",
    Severity::Warning,
    "Nodes stand in a grid zone of which nothing is said: they get the median score.",
    "Give the zone a chain under carbon.zones.",
);
const NO_POWER: Kind = kind(
    "no-power-data",
    Severity::Warning,
    "Power sources answer, but not about these nodes: their watts are the model's.",
    "See that the exporter runs there and that Prometheus scrapes it, and that the node's label is the one in power.sources.",
);
const SILENT: Kind = kind(
    "power-source-silent",
    Severity::Warning,
    "A power source says nothing to this machine: watts are the model's, or the check was run from where it cannot be reached.",
    "Run the check where Heliotrope runs, or through a port-forward, and see power.sources.",
);
const SEVERAL: Kind = kind(
    "several-schedulers",
    Severity::Warning,
    "Pods that ask for GPUs are placed by several schedulers: only those whose scheduler asks Heliotrope are placed by carbon, and two \
     schedulers on the same nodes race for the same GPUs.",
    "Let all GPU pods name one scheduler, by a policy at admission where people forget.",
);
const BY_CLAIM: Kind = kind(
    "managed-with-dra",
    Severity::Warning,
    "Pods that get GPUs by resourceClaims do not match managedResources: the scheduler does not ask Heliotrope about them.",
    "Take managedResources out, at the price of two calls for every pod of the cluster, or ask for GPUs as extended resources.",
);
const NOT_MANAGED: Kind = kind(
    "unmanaged-resource",
    Severity::Warning,
    "Nodes offer these GPU resources, and no extender is asked about the pods that want them.",
    "Add them to managedResources: `heliotrope scheduler-config --from-nodes` prints the list.",
);
const NO_CONFIGURATION: Kind = kind(
    "no-scheduler-config-seen",
    Severity::Note,
    "No scheduler configuration was looked at. Those of static pods are files on the hosts of the control plane and cannot be read \
     through the API.",
    "Give the file with --scheduler-config, or its ConfigMap's namespace with --namespace.",
);

/// What a survey is looked over with.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// The settings and their tables: they decide what is known of a node.
    pub loaded: &'a Loaded,
    /// Whether they are the operator's own; of defaults nothing can be missed.
    pub given: bool,
    /// What the power sources said.
    pub telemetry: Option<&'a Telemetry>,
    /// What scheduler configurations have to fit.
    pub expected: Expectations,
    /// Texts of the scheduler configurations that were given as files.
    pub files: &'a [String],
}

/// Looks a survey over.
#[must_use]
pub fn check(survey: &Survey, against: Against<'_>, now: Timestamp) -> Vec<Finding> {
    let mut found = rights(survey);
    let nodes = survey.nodes.all().map(Vec::as_slice).unwrap_or_default();
    let pods = survey.pods.all().map(Vec::as_slice).unwrap_or_default();
    let around = against.loaded.settings.surroundings(&against.loaded.tables);
    let snapshot = picture(around, nodes, pods, against.telemetry, now);
    found.extend(kept_awake(&snapshot, nodes, pods));
    found.extend(unplaced(&snapshot, nodes, against));
    found.extend(unmeasured(&snapshot, nodes, against.telemetry));
    found.extend(several_schedulers(pods));
    found.extend(configurations(survey, pods, against.expected, against.files));
    found
}

/// What could not be looked at.
fn rights(survey: &Survey) -> Vec<Finding> {
    let mut seen = vec![
        ("nodes".to_owned(), trouble(&survey.nodes)),
        ("pods".to_owned(), trouble(&survey.pods)),
        ("deviceclasses and resourceclaims".to_owned(), trouble(&survey.dra)),
    ];
    let maps = survey.configurations.iter();
    seen.extend(maps.map(|(namespace, seen)| (format!("configmaps in {namespace}"), trouble(seen))));
    let (mut may_not, mut failed) = (Vec::new(), Vec::new());
    for (what, trouble) in seen {
        match trouble {
            Trouble::Right => may_not.push(what),
            Trouble::Failure(why) => failed.push(format!("{what}: {why}")),
            Trouble::None => {}
        }
    }
    let of = |kind: Kind, what: &str, subjects: Vec<String>| (!subjects.is_empty()).then(|| kind.of(what, subjects));
    let may_not = of(MAY_NOT_READ, "the user may not list something", may_not);
    let failed = of(NOT_READ, "the API server did not list something", failed);
    may_not.into_iter().chain(failed).collect()
}

/// Why something was not seen.
enum Trouble<'s> {
    None,
    Right,
    Failure(&'s str),
}

fn trouble<T>(seen: &Seen<T>) -> Trouble<'_> {
    match seen {
        Seen::MayNot => Trouble::Right,
        Seen::Failed(why) => Trouble::Failure(why),
        Seen::All(_) | Seen::NotThere => Trouble::None,
    }
}

/// The picture that Heliotrope itself would have.
fn picture(
    around: Surroundings,
    nodes: &[SurveyedNode],
    pods: &[SurveyedPod],
    telemetry: Option<&Telemetry>,
    now: Timestamp,
) -> Snapshot {
    let mut builder = SnapshotBuilder::new(around);
    for node in nodes {
        builder.apply_cluster(ClusterEvent::Node(node.facts.clone()), now);
    }
    builder.apply_cluster(ClusterEvent::NodesListed, now);
    for pod in pods {
        builder.apply_cluster(ClusterEvent::Pod(Box::new(pod.facts.clone())), now);
    }
    builder.apply_cluster(ClusterEvent::PodsListed, now);
    for report in telemetry.into_iter().flat_map(|telemetry| &telemetry.reports) {
        builder.apply_power(report.clone());
    }
    builder.build(now)
}

fn state<'s>(snapshot: &'s Snapshot, node: &SurveyedNode) -> Option<&'s NodeState> {
    snapshot.node(snapshot.find(&node.facts.name)?)
}

fn gpu_nodes<'a>(
    snapshot: &'a Snapshot,
    nodes: &'a [SurveyedNode],
) -> impl Iterator<Item = (&'a SurveyedNode, &'a NodeState)> {
    let with_gpus = nodes.iter().filter(|node| !node.facts.gpus.is_empty());
    with_gpus.filter_map(|node| Some((node, state(snapshot, node)?)))
}

/// GPU nodes that anybody may use and that run nothing with a GPU, but something else than their own daemons.
fn kept_awake(snapshot: &Snapshot, nodes: &[SurveyedNode], pods: &[SurveyedPod]) -> Vec<Finding> {
    let mut by_node: BTreeMap<&str, Vec<&SurveyedPod>> = BTreeMap::new();
    for pod in pods {
        let facts = &pod.facts;
        let belongs = matches!(facts.owner.kind, OwnerKind::DaemonSet | OwnerKind::Node);
        if let Some(node) = facts
            .node
            .as_deref()
            .filter(|_| !belongs && facts.phase != PodPhase::Finished)
        {
            by_node.entry(node).or_default().push(pod);
        }
    }
    let mut subjects = Vec::new();
    let mut watts = 0.0;
    for (node, state) in gpu_nodes(snapshot, nodes).filter(|(node, _)| !node.tainted) {
        let here = by_node
            .get(node.facts.name.as_ref())
            .map(Vec::as_slice)
            .unwrap_or_default();
        if here.is_empty() || here.iter().any(|pod| pod.facts.gpus.is_some() || pod.claims) {
            continue;
        }
        let uids: Vec<&str> = here.iter().map(|pod| pod.facts.uid.as_ref()).collect();
        let idle = state.without(&uids, &snapshot.surroundings).wake();
        watts += idle.get();
        subjects.push(kept_awake_by(node, here, idle));
    }
    if subjects.is_empty() {
        return Vec::new();
    }
    let what = format!(
        "{} GPU nodes are kept awake by pods without GPUs: {watts:.0} W by the model",
        subjects.len()
    );
    vec![KEPT_AWAKE.of(what, subjects)]
}

fn kept_awake_by(node: &SurveyedNode, pods: &[&SurveyedPod], idle: Watts) -> String {
    let names: Vec<String> = pods
        .iter()
        .map(|pod| format!("{}/{}", pod.facts.namespace, pod.facts.name))
        .collect();
    format!("{}: {:.0} W for {}", node.facts.name, idle.get(), names.join(", "))
}

/// GPU nodes of which zone, model or intensity is not known.
fn unplaced(snapshot: &Snapshot, nodes: &[SurveyedNode], against: Against<'_>) -> Vec<Finding> {
    let sources = &against.loaded.settings.carbon.zones;
    let mut subjects: BTreeMap<&'static str, (Kind, Vec<String>)> = BTreeMap::new();
    let mut zones: BTreeMap<String, usize> = BTreeMap::new();
    let mut note =
        |kind: Kind, subject: String| subjects.entry(kind.code).or_insert((kind, Vec::new())).1.push(subject);
    for (node, state) in gpu_nodes(snapshot, nodes) {
        let facts = &node.facts;
        match state.zone.and_then(|zone| snapshot.zone(zone)) {
            Some(zone) if against.given && !sources.contains_key(&zone.id) => {
                *zones.entry(zone.id.to_string()).or_default() += 1;
            }
            Some(_) => {}
            None if node.has_region => {
                let region = facts.region.as_ref().map(ToString::to_string).unwrap_or_default();
                note(UNKNOWN_REGION, format!("{}: {region}", facts.name));
            }
            None => note(NO_REGION, facts.name.to_string()),
        }
        match (&facts.gpu_product, state.model) {
            (_, Some(_)) => {}
            (Some(model), None) => note(UNKNOWN_MODEL, format!("{}: {model}", facts.name)),
            (None, None) => note(NO_MODEL, facts.name.to_string()),
        }
    }
    let mut found: Vec<Finding> = subjects
        .into_values()
        .map(|(kind, subjects)| kind.of(format_args!("{} GPU nodes", subjects.len()), subjects))
        .collect();
    if !zones.is_empty() {
        let subjects = zones
            .into_iter()
            .map(|(zone, count)| format!("{zone}: {count} GPU nodes"))
            .collect();
        found.push(NO_SOURCE.of("zones of GPU nodes are not under carbon.zones", subjects));
    }
    found
}

/// GPU nodes that no power source measures, where one answers.
fn unmeasured(snapshot: &Snapshot, nodes: &[SurveyedNode], telemetry: Option<&Telemetry>) -> Vec<Finding> {
    let Some(telemetry) = telemetry else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if !telemetry.silent.is_empty() {
        found.push(SILENT.of("power sources were asked", telemetry.silent.clone()));
    }
    let modelled = gpu_nodes(snapshot, nodes).filter(|(_, state)| state.power.rung == PowerRung::Model);
    let modelled: Vec<String> = modelled.map(|(node, _)| node.facts.name.to_string()).collect();
    if !telemetry.reports.is_empty() && !modelled.is_empty() {
        found.push(NO_POWER.of(format_args!("{} GPU nodes are not measured", modelled.len()), modelled));
    }
    found
}

fn several_schedulers(pods: &[SurveyedPod]) -> Vec<Finding> {
    let mut by_scheduler: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in pods {
        let facts = &pod.facts;
        let placed = !matches!(facts.owner.kind, OwnerKind::DaemonSet | OwnerKind::Node);
        if placed && facts.phase != PodPhase::Finished && (facts.gpus.is_some() || pod.claims) {
            *by_scheduler.entry(&pod.scheduler).or_default() += 1;
        }
    }
    if by_scheduler.len() < 2 {
        return Vec::new();
    }
    let subjects = by_scheduler
        .iter()
        .map(|(scheduler, count)| format!("{scheduler}: {count} pods"))
        .collect();
    let what = format!("GPU pods name {} schedulers", by_scheduler.len());
    vec![SEVERAL.of(what, subjects)]
}

/// The configurations in ConfigMaps and those given as files, alone and against what nodes and pods need.
fn configurations(survey: &Survey, pods: &[SurveyedPod], expected: Expectations, files: &[String]) -> Vec<Finding> {
    let texts = survey
        .configurations
        .iter()
        .filter_map(|(_, seen)| seen.all())
        .flatten();
    let texts: Vec<&SchedulerText> = texts.collect();
    let mounted = |text: &SchedulerText| {
        let namespace = |pod: &&SurveyedPod| pod.facts.namespace.as_ref() == text.namespace;
        pods.iter()
            .filter(namespace)
            .any(|pod| pod.config_maps.contains(&text.config_map))
    };
    let mut found = Vec::new();
    for text in &texts {
        let unused = if mounted(text) { "" } else { " (no pod mounts it)" };
        let name = format!("configmap {}/{} {}{unused}", text.namespace, text.config_map, text.key);
        found.extend(scheduler::check(&name, &text.text, expected));
    }
    if texts.is_empty() && files.is_empty() {
        let schedulers = pods.iter().filter(|pod| pod.runs_scheduler);
        let subjects = schedulers.map(|pod| format!("{}/{}", pod.facts.namespace, pod.facts.name));
        found.push(NO_CONFIGURATION.of(
            "no KubeSchedulerConfiguration was found in a ConfigMap",
            subjects.collect(),
        ));
        return found;
    }
    let managed = texts.iter().map(|text| &text.text).chain(files);
    let managed: Vec<Option<Vec<String>>> = managed.map(|text| scheduler::managed(text)).collect();
    // Where one extender is asked about every pod, none passes by.
    let Some(managed) = managed.into_iter().collect::<Option<Vec<_>>>() else {
        return found;
    };
    let managed: BTreeSet<String> = managed.into_iter().flatten().collect();
    if managed.is_empty() {
        return found;
    }
    let nodes = survey.nodes.all().map(Vec::as_slice).unwrap_or_default();
    let offered: BTreeSet<String> = nodes
        .iter()
        .flat_map(|node| node.gpu_resources.iter().cloned())
        .collect();
    let missing: Vec<String> = offered.difference(&managed).cloned().collect();
    if !missing.is_empty() {
        found.push(NOT_MANAGED.of("GPU resources of nodes are not managed", missing));
    }
    if let Some(objects) = survey.dra.all().filter(|objects| **objects > 0) {
        let what = format!("managedResources is set, and the cluster has {objects} DeviceClasses and ResourceClaims");
        found.push(BY_CLAIM.of(what, Vec::new()));
    }
    found
}
