use super::document::{Document, Value, below};
use super::finding::Finding;
use super::keys::Keys;
use super::suggest::{closest, fold};

/// Names under which people write secrets into a file. Secrets are only read from files of their own.
const SECRETS: [&str; 14] = [
    "token",
    "authtoken",
    "accesstoken",
    "bearertoken",
    "bearer",
    "apitoken",
    "apikey",
    "accesskey",
    "privatekey",
    "password",
    "passwd",
    "secret",
    "credentials",
    "authorization",
];

/// Every key that the type does not have, and every address that carries a password.
pub(super) fn unknown_keys(document: &Document, keys: &Keys) -> Vec<Finding> {
    let mut walk = Walk {
        root: keys,
        findings: Vec::new(),
    };
    walk.value(document.root(), keys, "");
    walk.findings
}

struct Walk<'k> {
    root: &'k Keys,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, keys: &Keys, path: &str) {
        match value {
            Value::Map(entries) => {
                for (key, value) in entries {
                    let name = key.value.as_str();
                    let path = below(path, name);
                    let known = keys.named.get(name).or(keys.entries.as_deref());
                    match known {
                        Some(keys) => self.value(value, keys, &path),
                        // A value that is no map at all is a type error, which is told elsewhere.
                        None if keys.open || keys.named.is_empty() => self.addresses(value, &path),
                        None => self.findings.push(Finding {
                            at: Some(key.referenced.into()),
                            message: self.message(name, keys),
                            path,
                        }),
                    }
                }
            }
            Value::List(items) => {
                for (item, ix) in items.iter().zip(0usize..) {
                    let keys = keys.items.as_deref().unwrap_or(keys);
                    self.value(&item.value, keys, &format!("{path}[{ix}]"));
                }
            }
            Value::Scalar(_) | Value::Null => self.addresses(value, path),
        }
    }

    fn addresses(&mut self, value: &Value, path: &str) {
        if let Value::Scalar(text) = value
            && carries_password(text)
        {
            let message = "secrets are never written inline: take the user and the password out of the address";
            self.findings.push(Finding::new(path, message));
        }
    }

    fn message(&self, name: &str, keys: &Keys) -> String {
        let known = keys.named.keys().copied();
        let folded: String = fold(name).into_iter().collect();
        if SECRETS.contains(&folded.as_str()) {
            let file = known
                .clone()
                .find(|known| known.ends_with("File") && known.starts_with(name));
            let file = file.unwrap_or("tokenFile");
            return format!("secrets are never written inline: put it into a file and name the file with `{file}`");
        }
        if let Some(near) = closest(name, known) {
            return format!("unknown key, did you mean `{near}`?");
        }
        let mut elsewhere = self.root.paths().into_iter().filter(|path| {
            let last = path.rsplit('.').next().unwrap_or_default();
            last.trim_end_matches("[]") == name
        });
        match (elsewhere.next(), elsewhere.next()) {
            (Some(place), None) => format!("unknown key here, did you mean `{place}`?"),
            _ => "unknown key".to_owned(),
        }
    }
}

/// `https://user:password@host`.
fn carries_password(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    !scheme.is_empty() && scheme.chars().all(word) && authority.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Sample {
        power: Power,
        sources: Vec<Source>,
        pools: BTreeMap<String, f64>,
    }

    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Power {
        fresh_for: Option<String>,
    }

    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Source {
        url: Option<String>,
        password_file: Option<String>,
    }

    fn findings(text: &str) -> Vec<String> {
        let keys = Keys::of::<Sample>().unwrap();
        let found = unknown_keys(&Document::parse(text).unwrap(), &keys);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_unknown_key_is_told_with_what_it_may_have_meant() {
        let text = "powr: {}\npower:\n  fresh_for: 1s\nsources:\n  - ulr: x\n  - freshFor: 1s\npools: {any: 1}\n";
        assert_eq!(
            findings(text),
            [
                "line 1, column 1: powr: unknown key, did you mean `power`?",
                "line 3, column 3: power.fresh_for: unknown key, did you mean `freshFor`?",
                "line 5, column 5: sources[0].ulr: unknown key, did you mean `url`?",
                "line 6, column 5: sources[1].freshFor: unknown key here, did you mean `power.freshFor`?",
            ]
        );
    }

    #[test]
    fn a_secret_is_refused_without_being_repeated() {
        let text = "sources:\n  - token: s3cret\n  - password: s3cret\n  - url: https://u:s3cret@host/\n";
        let told = findings(text);
        assert!(told[0].ends_with("name the file with `tokenFile`"), "{}", told[0]);
        assert!(told[1].ends_with("name the file with `passwordFile`"), "{}", told[1]);
        assert!(told[2].contains("out of the address"), "{}", told[2]);
        assert!(told.iter().all(|told| !told.contains("s3cret")), "{told:?}");
    }
}
