use super::{ControlPlane, Process, flags, free_port};
use std::time::Duration;

/// Whose controller of HorizontalPodAutoscalers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AutoscalerOf {
    /// The last minor before 1.33, where its tolerance changed.
    Before133,
    /// The newest minor that is proved.
    Current,
}

/// How fast it goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between two looks at the same autoscaler.
    pub(crate) sync: Duration,
    /// How long a higher recommendation holds, where an autoscaler does not say.
    pub(crate) downscale_stabilisation: Duration,
}

/// A real kube-controller-manager that runs its autoscaler and nothing else: replicas are written, and nobody makes pods of
/// them.
pub(crate) struct Autoscaler {
    process: Process,
}

impl Autoscaler {
    /// Starts it.
    pub(crate) fn start(plane: &ControlPlane, of: AutoscalerOf, pace: Pace) -> Self {
        let name = match of {
            AutoscalerOf::Before133 => "kube-controller-manager-before-1.33",
            AutoscalerOf::Current => "kube-controller-manager",
        };
        let flags = flags([
            ("kubeconfig", &plane.kubeconfig()),
            ("controllers", &"horizontal-pod-autoscaler-controller"),
            ("leader-elect", &"false"),
            ("bind-address", &"127.0.0.1"),
            ("secure-port", &free_port().to_string()),
            ("cert-dir", &plane.folder().join(format!("{name}-certificates"))),
            ("kube-api-qps", &"2000"),
            ("kube-api-burst", &"2000"),
            (
                "horizontal-pod-autoscaler-sync-period",
                &format!("{}s", pace.sync.as_secs()),
            ),
            (
                "horizontal-pod-autoscaler-downscale-stabilization",
                &format!("{}s", pace.downscale_stabilisation.as_secs()),
            ),
            ("concurrent-horizontal-pod-autoscaler-syncs", &"16"),
        ]);
        Self {
            process: Process::start(name, &plane.binaries().path(name), flags, plane.folder()),
        }
    }

    /// Ends it; ends the test if it has left on its own.
    pub(crate) async fn stop(mut self) {
        self.process.assert_running();
        self.process.stop(Duration::from_secs(10)).await;
    }
}
