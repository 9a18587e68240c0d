use heliotrope_core::rightsizing::hpa::{ContainerRequests, Milli, Pod};

/// What is scaled.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// The selector of its pods, as `status.selector` of its scale has it.
    pub selector: &'a str,
    /// The pods that the selector finds.
    pub pods: &'a [TargetPod],
}

/// A pod of the target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetPod {
    /// `metadata.name`.
    pub name: String,
    /// What is known of it but for `request` and `sample`, which depend on the metric and are filled in by the reader.
    pub facts: Pod,
    /// What its containers request: the regular ones and the init containers that run beside them.
    pub requests: Vec<ContainerRequests>,
}

impl TargetPod {
    /// What it requests of a resource, or one container of it; `None` where a container that counts requests nothing, as
    /// the autoscaler's controller has it.
    #[must_use]
    pub fn request(&self, resource: &str, container: Option<&str>) -> Option<Milli> {
        let counts = |of: &&ContainerRequests| container.is_none_or(|name| of.container == name);
        let mut counted = self.requests.iter().filter(counts).peekable();
        counted.peek()?;
        counted.try_fold(0, |sum: Milli, of| {
            Some(sum.saturating_add(*of.requests.get(resource)?))
        })
    }
}
