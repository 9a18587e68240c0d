//! What a scenario measured: printed as plain lines while it runs, and written as one JSON file when it ends, also when it
//! fails, to the folder that `HELIOTROPE_E2E_OUT` names.

use serde_json::{Map, Value};
use std::path::PathBuf;

/// The folder that figures and recorded bodies go to, if one is wanted.
pub(crate) fn out_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("HELIOTROPE_E2E_OUT")?);
    std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("HELIOTROPE_E2E_OUT={}: {e}", folder.display()));
    Some(folder)
}

/// The figures of one scenario.
pub(crate) struct Figures {
    scenario: &'static str,
    values: Map<String, Value>,
}

impl Figures {
    /// Starts a scenario's list.
    pub(crate) fn of(scenario: &'static str) -> Self {
        println!("\n== {scenario}");
        let mut values = Map::new();
        if crate::guest::is_guest() {
            values.insert("on a cluster that others started".into(), Value::from(true));
        }
        Self { scenario, values }
    }

    /// Notes one figure. The key says what it is and its unit.
    pub(crate) fn note(&mut self, key: &str, value: impl Into<Value>) {
        let value = match value.into() {
            // Three digits behind the point are more than any of these figures means.
            Value::Number(n) if n.is_f64() => Value::from((n.as_f64().unwrap_or_default() * 1e3).round() / 1e3),
            other => other,
        };
        println!("{}: {key}: {value}", self.scenario);
        self.values.insert(key.to_owned(), value);
    }
}

impl Drop for Figures {
    fn drop(&mut self) {
        if let Some(folder) = out_folder() {
            self.values
                .insert("failed".into(), Value::from(std::thread::panicking()));
            let text = serde_json::to_string_pretty(&self.values).unwrap_or_default();
            // Losing a figure file must not hide why the test failed.
            drop(std::fs::write(
                folder.join(format!("{}.json", self.scenario)),
                text + "\n",
            ));
        }
    }
}

/// The middle one of some values.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
