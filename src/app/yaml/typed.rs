use super::document::Document;
use super::finding::{Finding, Position};
use super::parser::{options, plain_message};
use serde::de::DeserializeOwned;

/// Reads a document into a type.
///
/// # Errors
/// The first value of a wrong type, with its line and key.
pub(super) fn typed<T: DeserializeOwned>(document: &Document) -> Result<T, Finding> {
    let mut path = String::new();
    let read = serde_saphyr::with_deserializer_from_str_with_options(document.text(), options(), |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            path = error.path().to_string();
            error.into_inner()
        })
    });
    read.map_err(|error| {
        let path = if path == "." { String::new() } else { path };
        Finding {
            at: error.location().map(Position::from),
            message: plain_message(&error),
            path,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Sample {
        count: Option<u32>,
        share: Option<f64>,
        on: Option<bool>,
        name: Option<String>,
        list: Option<Vec<Self>>,
        map: Option<BTreeMap<String, f64>>,
    }

    fn error(text: &str) -> String {
        typed::<Sample>(&Document::parse(text).unwrap())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_wrong_type_is_told_with_line_column_and_key() {
        assert_eq!(
            error("list:\n  - count: many\n"),
            "line 2, column 12: list[0].count: expected a whole number, zero or above"
        );
        assert_eq!(error("share: half\n"), "line 1, column 8: share: expected a number");
        assert_eq!(error("on: 3\n"), "line 1, column 5: on: expected true or false");
        assert_eq!(error("list: 3\n"), "line 1, column 7: list: expected a list");
        assert_eq!(error("map: [1]\n"), "line 1, column 6: map: expected a map of keys");
        assert_eq!(error("name: [1]\n"), "line 1, column 7: name: expected a text");
    }

    #[test]
    fn a_number_may_stand_where_a_text_is_read() {
        let read = typed::<Sample>(&Document::parse("name: 90\n").unwrap()).unwrap();
        assert_eq!(read.name.as_deref(), Some("90"));
        let norway = Document::parse("name: NO\n").unwrap();
        assert_eq!(typed::<Sample>(&norway).unwrap().name.as_deref(), Some("NO"));
        assert_eq!(norway.scalar("name"), Some("NO"));
    }
}
