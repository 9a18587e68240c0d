use super::currency::Currency;
use super::remembered::Remembered;
use crate::crds::{BoundedStatus, Compatibility, ModeName, PAUSED, Rightsizer};
use jiff::Timestamp;
use serde::Serialize;

/// Everything that is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) target: String,
    pub(super) mode: ModeName,
    pub(super) compatibility: Compatibility,
    pub(super) paused: bool,
    pub(super) min_replicas: i32,
    pub(super) max_replicas: i32,
    pub(super) current_replicas: Option<i32>,
    pub(super) desired_replicas: Option<i32>,
    /// What holds apart from metrics.
    pub(super) floor: Option<i32>,
    pub(super) ceiling: Option<i32>,
    pub(super) currency: Currency,
    /// Whether the condition `Ready` says so; absent where there is none.
    pub(super) ready: Option<bool>,
    pub(super) steps: Vec<StepView>,
    pub(super) conditions: Vec<ConditionView>,
    pub(super) remembered: Remembered,
    pub(super) last_scale_time: Option<Timestamp>,
    pub(super) bounded: Option<BoundedStatus>,
    /// What is wrong with the spec.
    pub(super) problems: Vec<String>,
    #[serde(skip)]
    pub(super) now: Timestamp,
}

/// A step, and the number that it was given.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepView {
    pub(super) stage: String,
    pub(super) replicas: i32,
    /// What would have gone on without it: what the step before made, or of the first what there is.
    pub(super) without: Option<i32>,
    pub(super) reason: String,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConditionView {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) since: Timestamp,
}

impl View {
    pub(super) fn of(one: &Rightsizer, currency: Currency, now: Timestamp) -> Self {
        let status = one.status.clone().unwrap_or_default();
        let wanted = one.wanted();
        let mut before = status.current_replicas;
        let steps = status.steps.into_iter().map(|step| StepView {
            without: before.replace(step.replicas),
            stage: step.stage,
            replicas: step.replicas,
            reason: step.reason,
            message: step.message,
        });
        let steps = steps.collect();
        let conditions: Vec<ConditionView> = status
            .conditions
            .into_iter()
            .map(|condition| ConditionView {
                kind: condition.type_,
                status: condition.status,
                reason: condition.reason,
                message: condition.message,
                since: condition.last_transition_time.0,
            })
            .collect();
        let ready = conditions.iter().find(|condition| condition.kind == "Ready");
        let annotations = one.metadata.annotations.as_ref();
        let target = &one.spec.scale_target_ref;
        Self {
            namespace: one.metadata.namespace.clone().unwrap_or_default(),
            name: one.metadata.name.clone().unwrap_or_default(),
            target: format!("{} {}", target.kind, target.name),
            mode: one.spec.mode,
            compatibility: one.spec.compatibility,
            paused: annotations
                .and_then(|all| all.get(PAUSED))
                .is_some_and(|value| value == "true"),
            min_replicas: one.spec.min_replicas,
            max_replicas: one.spec.max_replicas,
            current_replicas: status.current_replicas,
            desired_replicas: status.desired_replicas,
            floor: status.floor,
            ceiling: status.ceiling,
            currency,
            ready: ready.map(|condition| condition.status == "True"),
            steps,
            conditions,
            remembered: Remembered::of(&status.memory.unwrap_or_default(), wanted.as_ref().ok(), now),
            last_scale_time: status.last_scale_time,
            bounded: status.bounded,
            problems: wanted
                .err()
                .into_iter()
                .flatten()
                .map(|problem| problem.to_string())
                .collect(),
            now,
        }
    }
}
