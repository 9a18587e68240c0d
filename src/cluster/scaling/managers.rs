use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

/// How a field manager writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Server-side apply: it declares the field, and will again.
    Apply,
    /// A plain write: it once set the field.
    Update,
}

/// Who wrote a field last, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOwner {
    /// Its name.
    pub manager: String,
    /// How it writes.
    pub operation: Operation,
    /// When.
    pub at: Option<Timestamp>,
}

/// The managers that own a field, such as `["f:spec", "f:replicas"]`.
pub(super) fn owners(entries: Vec<ManagedFieldsEntry>, path: &[&str]) -> Vec<FieldOwner> {
    let owns = |entry: &ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        fields.is_some_and(|fields| path.iter().try_fold(fields, |fields, key| fields.get(key)).is_some())
    };
    let owner = |entry: ManagedFieldsEntry| {
        owns(&entry).then(|| FieldOwner {
            manager: entry.manager.unwrap_or_default(),
            operation: match entry.operation.as_deref() {
                Some("Apply") => Operation::Apply,
                _ => Operation::Update,
            },
            at: entry.time.map(|time| time.0),
        })
    };
    entries.into_iter().filter_map(owner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn owners_of_a_field_are_those_whose_fields_have_it() {
        let entries = json!([
            {"manager": "kubectl-create", "operation": "Update", "time": "2026-06-01T12:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "flux", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {"f:replicas": {}}}},
            {"manager": "helm", "operation": "Update", "fieldsV1": {"f:spec": {"f:template": {}}}},
            {"manager": "empty", "operation": "Update"},
        ]);
        let found = owners(serde_json::from_value(entries).unwrap(), &["f:spec", "f:replicas"]);
        let named: Vec<_> = found
            .iter()
            .map(|owner| (owner.manager.as_str(), owner.operation))
            .collect();
        assert_eq!(
            named,
            [("kubectl-create", Operation::Update), ("flux", Operation::Apply)]
        );
        assert_eq!(found[0].at, Some("2026-06-01T12:00:00Z".parse().unwrap()));
    }
}
