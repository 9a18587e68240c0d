use super::compare::Compared;
use heliotrope_core::rightsizing::hpa::HpaVersion;

/// How often each reason must have been compared on either version: about half of what a run comes to. With fewer the run
/// would prove little.
const LEAST: &[(&str, u64)] = &[
    ("AbleToScale: ReadyForNewScale", 1000),
    ("AbleToScale: ScaleDownStabilized", 300),
    ("AbleToScale: ScaleUpStabilized", 80),
    ("AbleToScale: SucceededGetScale", 500),
    ("AbleToScale: SucceededRescale", 400),
    ("ScalingActive: FailedGetContainerResourceMetric", 100),
    ("ScalingActive: FailedGetExternalMetric", 50),
    ("ScalingActive: FailedGetObjectMetric", 60),
    ("ScalingActive: FailedGetPodsMetric", 50),
    ("ScalingActive: FailedGetResourceMetric", 200),
    ("ScalingActive: ScalingDisabled", 10),
    ("ScalingActive: ValidMetricFound", 2000),
    ("ScalingLimited: DesiredWithinRange", 1500),
    ("ScalingLimited: ScaleDownLimit", 45),
    ("ScalingLimited: ScaleUpLimit", 90),
    ("ScalingLimited: TooFewReplicas", 90),
    ("ScalingLimited: TooManyReplicas", 300),
    ("above maxReplicas", 20),
    ("below minReplicas", 10),
];
/// The condition that the autoscaler has since it remembers who took the last replica away.
const LEAST_FROM_137: &[(&str, u64)] = &[
    ("ScaledToZero: NotScaledToZero", 800),
    ("ScaledToZero: ScaledToZero", 150),
];
const LEAST_TO_ZERO: u64 = 60;
const LEAST_FROM_ZERO: u64 = 40;

impl Compared {
    /// What a version came to too seldom.
    pub(super) fn too_few(&self, version: HpaVersion) -> Vec<String> {
        let newer = if version == HpaVersion::From137 {
            LEAST_FROM_137
        } else {
            &[]
        };
        let by_reason = LEAST.iter().chain(newer).map(|(reason, least)| {
            let times = self.reasons.get(*reason).copied().unwrap_or_default();
            (*reason, times, *least)
        });
        let with_zero = [
            ("scaled to zero", self.to_zero, LEAST_TO_ZERO),
            ("scaled from zero", self.from_zero, LEAST_FROM_ZERO),
        ];
        let all = by_reason.chain(with_zero).filter(|(_, times, least)| times < least);
        all.map(|(what, times, least)| format!("{version:?}: {what} {times} times, at least {least} are wanted"))
            .collect()
    }
}
