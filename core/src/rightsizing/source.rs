use super::query::PromQuery;

/// Where a metric is read. Selectors are written as `kubectl -l` writes them; `None` selects everything.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// `metrics.k8s.io`: what the pods use of a resource.
    Resource {
        /// `cpu`, `memory`.
        name: String,
        /// This container of each pod; all of them together where it is `None`.
        container: Option<String>,
    },
    /// `custom.metrics.k8s.io`, of each pod.
    Pods {
        /// Name of the metric.
        metric: String,
        /// Which of its series.
        selector: Option<String>,
    },
    /// `custom.metrics.k8s.io`, of one object in the target's namespace.
    Object {
        /// The object.
        object: ObjectRef,
        /// Name of the metric.
        metric: String,
        /// Which of its series.
        selector: Option<String>,
    },
    /// `external.metrics.k8s.io`.
    External {
        /// Name of the metric.
        metric: String,
        /// Which of its series.
        selector: Option<String>,
    },
    /// Prometheus, past the metrics APIs.
    Prometheus {
        /// What is asked.
        query: PromQuery,
        /// What the answer is of.
        shape: Shape,
    },
}

/// What a Prometheus answer is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A value for each pod, for metrics of type `Pods`. The series of a query bear the pod's name in a label.
    PerPod,
    /// One value, for metrics of type `Object` and `External`: all series of a query are added up.
    Total,
}

/// `describedObject` of `autoscaling/v2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// `apiVersion`, such as `networking.k8s.io/v1`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `name`.
    pub name: String,
}

impl Source {
    /// The API that is asked, as metrics name it.
    #[must_use]
    pub fn api(&self) -> &'static str {
        match self {
            Self::Resource { .. } => "resource",
            Self::Pods { .. } | Self::Object { .. } => "custom",
            Self::External { .. } => "external",
            Self::Prometheus { .. } => "prometheus",
        }
    }

    /// The metric, where it is one of the table of model servers.
    #[must_use]
    pub fn metric(&self) -> Option<&'static str> {
        match self {
            Self::Prometheus { query, .. } => query.metric(),
            _ => None,
        }
    }
}
