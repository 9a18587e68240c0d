//! What every room's `settings.rs` is written with.
//!
//! Owns [`Problems`]: a walk over raw settings that collects every error with its key path, instead of stopping at the
//! first. Raw serde types come in, validated types of the owning room leave, problems stay here until the file is
//! refused or taken as a whole. Must never know a room: the file is composed in `app`.

use heliotrope_core::quantity::{Ratio, parse_duration};
use jiff::SignedDuration;
use std::fmt::{self, Display};
use std::str::FromStr;

/// One thing wrong with a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `carbon.providers[2].url`.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Collects problems while settings are validated.
#[derive(Debug, Default)]
pub struct Problems {
    path: Vec<String>,
    found: Vec<Problem>,
}

impl Problems {
    /// Validates what is below a key.
    pub fn within<T>(&mut self, key: impl Display, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(key.to_string());
        let value = inner(self);
        self.path.pop();
        value
    }

    /// The key that is validated at the moment.
    #[must_use]
    pub fn path(&self) -> String {
        self.keyed("")
    }

    /// Notes a problem with a key of the current level; an empty key means the level itself.
    pub fn report(&mut self, key: &str, message: impl Display) {
        self.found.push(Problem {
            path: self.keyed(key),
            message: message.to_string(),
        });
    }

    /// The whole path of a key of the current level.
    fn keyed(&self, key: &str) -> String {
        let keys = self.path.iter().map(String::as_str).chain([key]);
        let mut path = String::new();
        for key in keys.filter(|key| !key.is_empty()) {
            if !path.is_empty() && !key.starts_with('[') {
                path.push('.');
            }
            path.push_str(key);
        }
        path
    }

    /// Reads a text with the type's own parser; absent or wrong gives the default, wrong is reported too.
    pub fn read<T: FromStr>(&mut self, key: &str, text: Option<&str>, default: T) -> T
    where
        T::Err: Display,
    {
        match text.map(T::from_str) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                self.report(key, error);
                default
            }
        }
    }

    /// Reads a duration such as `90s` or `1h 30m` within bounds.
    pub fn duration(
        &mut self,
        key: &str,
        text: Option<&str>,
        default: SignedDuration,
        bounds: std::ops::RangeInclusive<SignedDuration>,
    ) -> SignedDuration {
        match text.map(parse_duration) {
            None => default,
            Some(Ok(value)) if bounds.contains(&value) => value,
            Some(Ok(_)) => {
                self.report(
                    key,
                    format_args!("must be from {:#} to {:#}", bounds.start(), bounds.end()),
                );
                default
            }
            Some(Err(error)) => {
                self.report(key, error);
                default
            }
        }
    }

    /// Reads a ratio from 0 to 1.
    pub fn ratio(&mut self, key: &str, value: Option<f64>, default: Ratio) -> Ratio {
        match value.map(Ratio::new) {
            None => default,
            Some(Ok(ratio)) => ratio,
            Some(Err(error)) => {
                self.report(key, error);
                default
            }
        }
    }

    /// Whether nothing has been found so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Everything found, in the order of the walk.
    #[must_use]
    pub fn into_found(self) -> Vec<Problem> {
        self.found
    }
}

/// Whether a text can be the key of a Kubernetes label.
#[must_use]
pub fn is_label_key(key: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    !key.is_empty() && key.len() <= 317 && key.bytes().all(legal) && key.matches('/').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_its_whole_path() {
        let mut problems = Problems::default();
        problems.within("carbon", |p| {
            p.within("providers", |p| p.within("[2]", |p| p.report("url", "must be https")));
        });
        assert_eq!(
            problems.into_found()[0].to_string(),
            "carbon.providers[2].url: must be https"
        );
    }

    #[test]
    fn a_wrong_value_is_reported_and_the_walk_goes_on() {
        let mut problems = Problems::default();
        let hour = SignedDuration::from_hours(1);
        let day = SignedDuration::from_hours(24);
        assert_eq!(problems.duration("age", Some("soon"), hour, hour..=day), hour);
        assert_eq!(problems.duration("age", Some("2 days"), hour, hour..=day), hour);
        assert_eq!(
            problems.duration("age", Some("2h"), hour, hour..=day),
            SignedDuration::from_hours(2)
        );
        assert_eq!(problems.ratio("share", Some(1.5), Ratio::ONE), Ratio::ONE);
        assert_eq!(problems.into_found().len(), 3);
    }
}
