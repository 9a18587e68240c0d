//! From a spec to what core computes with.
//!
//! Owns [`Wanted`] and the walk that makes one: every text is read, every rule checked, and all problems come out at once,
//! with the keys that stand in the manifest. A spec comes in, a checked value leaves. Must never fall back to a guess where a
//! key is wrong.

mod metrics;
mod paths;
mod replicas;
mod rules;

pub use rules::CALM_PERCENT;

use super::rightsizer::{Compatibility, ModeName, Rightsizer, RightsizerSpec};
use crate::settings::{Problem, Problems};
use heliotrope_core::grid::ZoneId;
use heliotrope_core::rightsizing::hpa::{HpaSpec, HpaVersion, Timing, Tolerance};
use heliotrope_core::rightsizing::plan::{Mode, PlanSpec};
use heliotrope_core::rightsizing::{PromQuery, Source, TargetRef};

/// `--horizontal-pod-autoscaler-downscale-stabilization`, in seconds.
const DOWN_WINDOW: i32 = 300;

/// A Rightsizer that can be carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// What is scaled.
    pub target: TargetRef,
    /// What may be done.
    pub mode: Mode,
    /// What core plans by.
    pub plan: PlanSpec,
    /// Where each metric of the plan is read, in their order.
    pub sources: Vec<Source>,
    /// Where the response time is read.
    pub response: Option<PromQuery>,
    /// Where the age of the queue is read.
    pub queue_age: Option<PromQuery>,
    /// The grid zone, where it is told.
    pub zone: Option<ZoneId>,
    /// Replicas that stay in each topology zone; none means that deletion costs are not written.
    pub min_per_zone: Option<u32>,
}

impl Rightsizer {
    /// Reads the spec.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its key.
    pub fn wanted(&self) -> Result<Wanted, Vec<Problem>> {
        self.spec.wanted()
    }
}

impl RightsizerSpec {
    /// Reads the spec.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its key.
    pub fn wanted(&self) -> Result<Wanted, Vec<Problem>> {
        let mut problems = Problems::default();
        let wanted = problems.within("spec", |problems| self.read(problems));
        let found = problems.into_found();
        if found.is_empty() { Ok(wanted) } else { Err(found) }
    }

    fn read(&self, problems: &mut Problems) -> Wanted {
        let target = self.target(problems);
        let (metrics, sources) = metrics::read(self, problems);
        let counts_at_zero = metrics.iter().any(|metric| metric.counts_without_replicas());
        if self.min_replicas == 0 && !metrics.is_empty() && !counts_at_zero {
            problems.report(
                "minReplicas",
                "must be at least 1: without replicas only metrics of type Object and External say anything",
            );
        }
        let hpa = HpaSpec {
            min: self.min_replicas,
            max: self.max_replicas,
            metrics,
            behavior: problems.within("behavior", |problems| {
                replicas::behavior(self.behavior.as_ref(), problems)
            }),
            tolerance: Tolerance::default(),
            downscale_stabilisation: DOWN_WINDOW,
            version: match self.compatibility {
                Compatibility::UpTo132 => HpaVersion::UpTo132,
                Compatibility::From133 => HpaVersion::From133,
                Compatibility::From137 => HpaVersion::From137,
            },
        };
        let (latency, response, queue_age) = rules::latency(self.latency.as_ref(), problems);
        let (carbon, zone) = rules::carbon(self.carbon.as_ref(), problems);
        let plan = PlanSpec {
            hpa,
            timing: Timing::default(),
            schedule: replicas::schedule(self.schedule.as_ref(), problems),
            latency,
            carbon,
            power: rules::power(self.power.as_ref(), problems),
            prewarm: rules::prewarm(self.prewarm.as_ref(), problems),
        };
        // What could not be read has been told; core's own findings about stand-ins for it would only confuse.
        if problems.is_empty() {
            for problem in plan.problems() {
                problems.report(&paths::in_manifest(&problem.key, self), problem.what);
            }
        }
        Wanted {
            target,
            mode: match self.mode {
                ModeName::Recommend => Mode::Recommend,
                ModeName::Apply => Mode::Apply,
                ModeName::Bound => Mode::Bound,
            },
            plan,
            sources,
            response,
            queue_age,
            zone,
            min_per_zone: self.deletion_cost.as_ref().map(|cost| cost.min_per_zone),
        }
    }

    fn target(&self, problems: &mut Problems) -> TargetRef {
        let target = TargetRef::from(&self.scale_target_ref);
        problems.within("scaleTargetRef", |problems| {
            let (_, version) = target.group_version();
            if version.is_empty() || version.contains('/') {
                problems.report("apiVersion", "must be a group and a version such as apps/v1");
            }
            for (key, text) in [("kind", &target.kind), ("name", &target.name)] {
                if text.is_empty() || text.contains('/') {
                    problems.report(key, "must not be empty, nor have a slash");
                }
            }
        });
        target
    }
}
