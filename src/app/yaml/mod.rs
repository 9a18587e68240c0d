//! YAML as people write it: with typing errors, and with the wish to know where they are.
//!
//! ```text
//! text ─► Document (every key with its line) ─┬─► Keys of the Rust type: unknown keys, all of them
//!                                             ├─► the Rust type: the first type error
//!                                             └─► Problems of the type's validation: all of them
//! ```
//!
//! Owns [`Document`], [`Keys`] (which keys a serde type has) and [`Finding`] (what is wrong, and where). Text comes in,
//! a value of the caller's type or every finding leaves. Must never know what a key means, nor print a value: it may be
//! a secret that somebody put where it does not belong.

mod document;
mod finding;
mod keys;
mod parser;
mod suggest;
mod tracer;
mod typed;
mod unknown;

pub use document::Document;
pub use finding::{Finding, Position};
pub use keys::{Keys, TraceError};

use crate::settings::Problems;
use serde::de::DeserializeOwned;

/// Reads a document into a raw type and validates it.
///
/// # Errors
/// Everything that is wrong: unknown keys, the first value of a wrong type, and, if there is none of those, what
/// validation found. Ordered by line.
pub fn read<Raw: DeserializeOwned, Valid>(
    document: &Document,
    validate: impl FnOnce(Raw, &mut Problems) -> Valid,
) -> Result<Valid, Vec<Finding>> {
    let mut findings = match Keys::of::<Raw>() {
        Ok(keys) => unknown::unknown_keys(document, &keys),
        Err(error) => vec![Finding::new("", error)],
    };
    let mut valid = None;
    match typed::typed::<Raw>(document) {
        Ok(raw) => {
            let mut problems = Problems::default();
            valid = Some(validate(raw, &mut problems));
            findings.extend(
                problems
                    .into_found()
                    .into_iter()
                    .map(|p| Finding::new(&p.path, p.message)),
            );
        }
        Err(finding) => findings.push(finding),
    }
    for finding in &mut findings {
        finding.at = finding.at.or_else(|| document.nearest(&finding.path));
    }
    findings.sort_by_key(|finding| finding.at);
    match valid {
        Some(valid) if findings.is_empty() => Ok(valid),
        _ => Err(findings),
    }
}
