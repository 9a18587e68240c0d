use crate::app::yaml::{Document, Finding};

/// The version of the file that is read.
pub(super) const API_VERSION: &str = "heliotrope.dev/v1alpha1";
/// What the file is.
pub(super) const KIND: &str = "Settings";

/// Checks what says how to read the rest. A file of another version or kind is told so, and nothing else: every other
/// complaint about it would be noise.
pub(super) fn check(document: &Document) -> Result<(), Vec<Finding>> {
    let found: Vec<Finding> = [("apiVersion", API_VERSION), ("kind", KIND)]
        .into_iter()
        .filter(|(key, expected)| document.scalar(key) != Some(*expected))
        .map(|(key, expected)| {
            let message = if document.scalar(key).is_some() {
                format!("is not supported: this version reads `{key}: {expected}`")
            } else {
                format!("is missing: write `{key}: {expected}`")
            };
            Finding {
                at: document.nearest(key),
                path: key.to_owned(),
                message,
            }
        })
        .collect();
    if found.is_empty() { Ok(()) } else { Err(found) }
}
