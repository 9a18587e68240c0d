//! Which keys a serde type has. The type itself is the list: it is deserialised once from a source that answers every
//! question with a default and writes down what it was asked for, so no second list can fall behind.

use super::document::below;
use std::collections::BTreeMap;
use std::fmt::Display;

/// The keys of a type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    pub(super) named: BTreeMap<&'static str, Self>,
    /// What stands under each key of a map with free keys.
    pub(super) entries: Option<Box<Self>>,
    /// What stands in each item of a list.
    pub(super) items: Option<Box<Self>>,
    /// Nothing is known of what stands below: everything goes.
    pub(super) open: bool,
}

/// Why the keys of a type cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the keys of this type cannot be told: {0}")]
pub struct TraceError(String);

impl serde::de::Error for TraceError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl Keys {
    /// Every key as a path. `*` is a free key, `[]` an item: `carbon.providers[].url`, `placement.namespaces.*.mode`.
    /// Only keys that have none below are listed.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths
    }

    fn collect(&self, path: &str, paths: &mut Vec<String>) {
        if self.named.is_empty() && self.entries.is_none() && self.items.is_none() {
            paths.push(path.to_owned());
        }
        if let Some(items) = &self.items {
            items.collect(&format!("{path}[]"), paths);
        }
        if let Some(entries) = &self.entries {
            entries.collect(&below(path, "*"), paths);
        }
        for (name, keys) in &self.named {
            keys.collect(&below(path, name), paths);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Inner {
        last_known_for: Option<String>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Outer {
        list: Vec<Inner>,
        map: BTreeMap<String, Inner>,
        texts: Option<Vec<String>>,
        share: Option<f64>,
        anything: Option<serde_json::Value>,
    }

    #[test]
    fn the_type_is_the_list() {
        let keys = Keys::of::<Outer>().unwrap();
        assert_eq!(
            keys.paths(),
            [
                "anything",
                "list[].lastKnownFor",
                "map.*.lastKnownFor",
                "share",
                "texts[]"
            ]
        );
        assert!(keys.named["anything"].open && !keys.named["share"].open);
    }

    #[test]
    fn a_type_that_contains_itself_is_told() {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Endless {
            again: Vec<Self>,
        }
        assert!(Keys::of::<Endless>().is_err());
    }
}
