use super::finding::{Fault, Finding};
use super::subject::{MetricKind, Subject};

/// Faults of bounds and behavior.
pub(super) fn look(subject: &Subject, findings: &mut Vec<Finding>) {
    let mut found = |fault, key: &str, what: String, instead: &str| {
        findings.push(Finding {
            fault,
            key: key.to_owned(),
            what,
            instead: instead.to_owned(),
        });
    };
    let Subject { min, max, .. } = *subject;
    if min > max {
        found(
            Fault::Crossed,
            "minReplicas",
            format!("minReplicas {min} is above maxReplicas {max}: the API server refuses it."),
            "Set minReplicas to at most maxReplicas.",
        );
    } else if min == max {
        found(
            Fault::Fixed,
            "minReplicas",
            format!("minReplicas and maxReplicas are both {max}: it never scales."),
            "Give it room, or leave the autoscaler out.",
        );
    }
    let seen_at_zero = |kind| matches!(kind, MetricKind::Object | MetricKind::External);
    if min == 0 && !subject.metrics.iter().any(|metric| seen_at_zero(metric.kind)) {
        found(
            Fault::ZeroUnseen,
            "minReplicas",
            "At zero replicas no pod has a metric, so nothing would ever start one: the API server refuses it."
                .to_owned(),
            "Add an Object or External metric that counts what waits, such as the depth of the queue, or set minReplicas to 1.",
        );
    }
    if subject.up_disabled {
        found(
            Fault::NeverUp,
            "behavior.scaleUp.selectPolicy",
            "Scaling up is disabled: more load never gets more replicas.".to_owned(),
            "Take Max or Min, and limit the rate with policies.",
        );
    }
    if subject.down_disabled {
        found(
            Fault::NeverDown,
            "behavior.scaleDown.selectPolicy",
            "Scaling down is disabled: after one peak the replicas of the peak stay, idle GPUs and their watts with them."
                .to_owned(),
            "Allow it slowly: a window of some minutes and a policy of one pod at a time.",
        );
    } else if subject.down_window == 0 && min < max {
        found(
            Fault::NoDownWindow,
            "behavior.scaleDown.stabilizationWindowSeconds",
            "Every dip takes replicas away at once. A model server takes one to several minutes to start, so the next rise finds them missing."
                .to_owned(),
            "Take a window longer than a start, 300 s where nothing else is known.",
        );
    }
}
