use super::finding::{Finding, Position};
use super::parser::{options, plain_message};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

/// A YAML value with its keys in the order of the file. Scalars are kept as text; what they mean is for the type to say.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Map(Vec<(Spanned<String>, Self)>),
    List(Vec<Spanned<Self>>),
    Scalar(String),
    Null,
}

/// A parsed file: its text, its keys and where each of them stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    text: String,
    root: Value,
    places: BTreeMap<String, Position>,
    scalars: BTreeMap<String, String>,
}

impl Document {
    /// Parses a text.
    ///
    /// # Errors
    /// When the text is no YAML, holds a key twice or more than one document.
    pub fn parse(text: &str) -> Result<Self, Finding> {
        let root: Value = serde_saphyr::from_str_with_options(text, options()).map_err(|error| Finding {
            at: error.location().map(Position::from),
            path: String::new(),
            message: plain_message(&error),
        })?;
        let mut document = Self {
            text: text.to_owned(),
            root: Value::Null,
            places: BTreeMap::new(),
            scalars: BTreeMap::new(),
        };
        document.index(&root, "");
        document.root = root;
        Ok(document)
    }

    /// The scalar under a key, if there is one.
    #[must_use]
    pub fn scalar(&self, path: &str) -> Option<&str> {
        self.scalars.get(path).map(String::as_str)
    }

    /// Every scalar by its path, such as `carbon.providers[2].url`.
    #[must_use]
    pub fn scalars(&self) -> &BTreeMap<String, String> {
        &self.scalars
    }

    /// The path of every key and list item.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Whether a key or list item is there.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Where a key stands, or else the key above it that is there.
    #[must_use]
    pub fn nearest(&self, path: &str) -> Option<Position> {
        let mut path = path;
        loop {
            if let Some(at) = self.places.get(path) {
                return Some(*at);
            }
            let cut = path.rfind(['.', '['])?;
            path = path.get(..cut)?;
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    fn index(&mut self, value: &Value, path: &str) {
        match value {
            Value::Map(entries) => {
                for (key, value) in entries {
                    let path = below(path, &key.value);
                    self.places.insert(path.clone(), key.referenced.into());
                    self.index(value, &path);
                }
            }
            Value::List(items) => {
                for (item, ix) in items.iter().zip(0usize..) {
                    let path = format!("{path}[{ix}]");
                    self.places.insert(path.clone(), item.referenced.into());
                    self.index(&item.value, &path);
                }
            }
            Value::Scalar(text) => {
                self.scalars.insert(path.to_owned(), text.clone());
            }
            Value::Null => {}
        }
    }
}

/// The path of a key below a path, as [`crate::settings::Problems`] writes it.
pub(super) fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Scalar(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_place() {
        let document = Document::parse("a:\n  b: 1\nlist:\n  - {url: x}\n  - url: y\n").unwrap();
        let at = |path: &str| document.nearest(path).map(|p| (p.line, p.column));
        assert_eq!(at("a.b"), Some((2, 3)));
        assert_eq!(at("list[1].url"), Some((5, 5)));
        assert_eq!(
            at("list[0].missing"),
            Some((4, 5)),
            "a missing key stands where its parent does"
        );
        assert_eq!(at("nothing"), None);
        assert_eq!(document.scalar("list[1].url"), Some("y"));
    }

    #[test]
    fn what_is_no_single_document_is_refused_with_its_place() {
        for (text, line) in [("a: [1\n", 1), ("a: 1\na: 2\n", 2), ("a: 1\n---\nb: 2\n", 3)] {
            let finding = Document::parse(text).unwrap_err();
            assert_eq!(finding.at.map(|at| at.line), Some(line), "{finding}");
            assert!(!finding.message.contains("line"), "the place is said once: {finding}");
        }
    }
}
