use super::annotations::Note;
use super::draw::Draw;
use super::facts::{GpuAsk, OwnerKind, PodFacts};
use super::group::{Group, GroupKey, GroupKind};
use super::rules::{Mode, Namespaces, WorkloadRules};
use crate::grid::ZoneId;
use crate::quantity::{Ratio, parse_duration};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Shortest duration that is believed: below it an answer would be about noise.
pub(super) const MIN_DURATION: SignedDuration = SignedDuration::from_secs(60);

/// Annotation keys that are read, without their prefix.
const KNOWN: [&str; 7] = [
    "duration",
    "utilisation",
    "zones",
    "deny-zones",
    "mode",
    "group",
    "group-size",
];

/// The value of `heliotrope.dev/group` by which a pod says that it is nobody's member.
pub const NO_GROUP: &str = "none";

/// Why a pod is answered neutrally at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exemption {
    /// It asks for no GPU.
    NoGpu,
    /// It belongs to its node.
    DaemonSet,
    /// It is the kubelet's.
    Mirror,
    /// Its priority class is one of Kubernetes' own.
    SystemPriority,
    /// Its namespace is listed.
    Namespace,
    /// Its mode is off.
    Off,
}

impl Exemption {
    /// The name used in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoGpu => "no-gpu",
            Self::DaemonSet => "daemonset",
            Self::Mirror => "mirror",
            Self::SystemPriority => "system-priority",
            Self::Namespace => "namespace",
            Self::Off => "off",
        }
    }
}

/// Which future matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Horizon {
    /// It ends: the coming hours matter, forecast first.
    Job,
    /// It stays: the usual day matters, so that one sunny hour does not place it for weeks.
    Service,
    /// What it leaves behind stays for years: the year matters.
    Volume,
}

/// Who said how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DurationSource {
    /// The pod's annotation.
    Annotation,
    /// The median of the last runs of its owner's pods.
    History {
        /// How many.
        runs: u32,
    },
    /// A volume that is made where the pod is put first, and keeps what comes after it there.
    Volume,
    /// The administrator's default for jobs or services.
    Default,
}

/// How long the work lasts on the reference model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duration {
    /// The span.
    pub span: SignedDuration,
    /// Who said so.
    pub source: DurationSource,
    /// Which future matters.
    pub horizon: Horizon,
}

/// Zones that a pod may run in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneRule {
    allow: Option<BTreeSet<ZoneId>>,
    deny: BTreeSet<ZoneId>,
}

impl ZoneRule {
    /// A rule of the zones allowed (`None`: all) without the zones denied.
    #[must_use]
    pub fn new(allow: Option<BTreeSet<ZoneId>>, deny: BTreeSet<ZoneId>) -> Self {
        Self { allow, deny }
    }

    /// Whether a zone is allowed.
    #[must_use]
    pub fn allows(&self, zone: &ZoneId) -> bool {
        !self.deny.contains(zone) && self.allow.as_ref().is_none_or(|allow| allow.contains(zone))
    }
}

/// A pod, parsed and bounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// GPUs asked for.
    pub gpus: GpuAsk,
    /// CPU asked for, in thousandths of a core.
    pub cpu_milli: u64,
    /// Memory asked for, in bytes.
    pub memory_bytes: u64,
    /// `spec.priority`: which share of a power cap it may fill.
    pub priority: i32,
    /// How long it runs.
    pub duration: Duration,
    /// How busy it keeps its GPUs.
    pub utilisation: Ratio,
    /// Where it may run.
    pub zones: ZoneRule,
    /// How strongly it is steered.
    pub mode: Mode,
    /// Whether it needs the wide choice of nodes, so that narrowing is off.
    pub prefers: bool,
    /// The gang that it is a member of: one that the administrator's rules count, of more than one pod.
    pub group: Option<Group>,
    /// What its owner's pods were seen to draw, by model; a snapshot knows it, and the pod does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draws: Vec<Draw>,
    /// What was not followed.
    pub notes: Vec<Note>,
}

impl Workload {
    /// Reads a pod.
    ///
    /// # Errors
    /// The [`Exemption`], when Heliotrope has nothing to say about the pod.
    pub fn parse(pod: &PodFacts, namespaces: &Namespaces) -> Result<Self, Exemption> {
        let gpus = pod.gpus.filter(|gpus| gpus.milli() > 0).ok_or(Exemption::NoGpu)?;
        match pod.owner.kind {
            OwnerKind::DaemonSet => return Err(Exemption::DaemonSet),
            OwnerKind::Node => return Err(Exemption::Mirror),
            _ if pod.system_priority => return Err(Exemption::SystemPriority),
            _ if namespaces.exempt.contains(pod.namespace.as_ref()) => return Err(Exemption::Namespace),
            _ => {}
        }
        let rules = namespaces.rules(&pod.namespace);
        let mut notes = Vec::new();
        let mode = mode(pod, rules, &mut notes);
        if mode == Mode::Off {
            return Err(Exemption::Off);
        }
        let duration = duration(pod, rules, &mut notes);
        let utilisation = utilisation(pod, rules, &mut notes);
        let zones = zones(pod, rules, &mut notes);
        let group = group(pod, rules, &mut notes);
        if pod.annotations.keys().any(|key| !KNOWN.contains(&key)) {
            notes.push(Note::UnknownKey);
        }
        Ok(Self {
            gpus,
            cpu_milli: pod.cpu_milli,
            memory_bytes: pod.memory_bytes,
            priority: pod.priority,
            duration,
            utilisation,
            zones,
            mode,
            prefers: pod.prefers,
            group,
            draws: Vec::new(),
            notes,
        })
    }
}

fn mode(pod: &PodFacts, rules: &WorkloadRules, notes: &mut Vec<Note>) -> Mode {
    let Some(text) = pod.annotations.get("mode") else {
        return rules.mode;
    };
    match text.parse() {
        Ok(mode) if mode == rules.mode || rules.selectable_modes.contains(&mode) => mode,
        Ok(_) => {
            notes.push(Note::ForbiddenMode);
            rules.mode
        }
        Err(()) => {
            notes.push(Note::UnreadableMode);
            rules.mode
        }
    }
}

fn duration(pod: &PodFacts, rules: &WorkloadRules, notes: &mut Vec<Note>) -> Duration {
    let horizon = if pod.owner.kind == OwnerKind::Service {
        Horizon::Service
    } else {
        Horizon::Job
    };
    if let Some(text) = pod.annotations.get("duration") {
        match parse_duration(text) {
            Ok(asked) => {
                let span = asked.clamp(MIN_DURATION, rules.max_duration.max(MIN_DURATION));
                if span != asked {
                    notes.push(Note::BoundedDuration);
                }
                return Duration {
                    span,
                    source: DurationSource::Annotation,
                    horizon,
                };
            }
            Err(_) => notes.push(Note::UnreadableDuration),
        }
    }
    let span = if horizon == Horizon::Service {
        rules.service_horizon
    } else {
        rules.job_duration
    };
    Duration {
        span,
        source: DurationSource::Default,
        horizon,
    }
}

fn utilisation(pod: &PodFacts, rules: &WorkloadRules, notes: &mut Vec<Note>) -> Ratio {
    let Some(text) = pod.annotations.get("utilisation") else {
        return rules.utilisation;
    };
    let read = text.trim().parse().ok().and_then(|value| Ratio::new(value).ok());
    read.unwrap_or_else(|| {
        notes.push(Note::UnreadableUtilisation);
        rules.utilisation
    })
}

/// A pod can only narrow what the administrator allows, and what it denies is added to what is denied.
fn zones(pod: &PodFacts, rules: &WorkloadRules, notes: &mut Vec<Note>) -> ZoneRule {
    let mut list = |key| {
        let text = pod.annotations.get(key)?;
        let names: Result<BTreeSet<ZoneId>, _> = text.split(',').map(|name| name.trim().parse()).collect();
        names.map_err(|_| notes.push(Note::UnreadableZones)).ok()
    };
    let (asked, denied) = (list("zones"), list("deny-zones").unwrap_or_default());
    let deny: BTreeSet<ZoneId> = rules.deny_zones.union(&denied).cloned().collect();
    let allow = match (&rules.allow_zones, asked) {
        (None, asked) => asked,
        (Some(allowed), None) => Some(allowed.clone()),
        (Some(allowed), Some(asked)) => {
            let both: BTreeSet<ZoneId> = allowed.intersection(&asked).cloned().collect();
            if both.is_empty() {
                notes.push(Note::NoZoneLeft);
                Some(allowed.clone())
            } else {
                Some(both)
            }
        }
    };
    ZoneRule { allow, deny }
}

/// The pod's gang, if it counts as one here. What it says of itself in annotations of ours was read at the edge; what of
/// it could not be is noted here.
fn group(pod: &PodFacts, rules: &WorkloadRules, notes: &mut Vec<Note>) -> Option<Group> {
    let named = pod.annotations.get("group").filter(|name| *name != NO_GROUP);
    let unread = |name: &str| GroupKey::new(&pod.namespace, GroupKind::Annotation, name).is_none();
    let size = pod.annotations.get("group-size");
    if named.is_some_and(unread) || size.is_some_and(|size| Group::read_size(size).is_none()) {
        notes.push(Note::UnreadableGroup);
    }
    let group = pod.group.as_ref()?;
    (rules.groups.contains(&group.key.kind()) && group.size != Some(1)).then(|| group.clone())
}
