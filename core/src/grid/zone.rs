use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is not the name of a zone or a region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what} name: use 1 to {max} of A-Z a-z 0-9 . _ -")]
pub struct NameError {
    /// What was expected.
    pub what: &'static str,
    /// The refused text, cut to a length that is safe to print.
    pub text: String,
    /// The longest name allowed.
    pub max: usize,
}

fn checked(text: &str, what: &'static str, max: usize) -> Result<Arc<str>, NameError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > max || !text.bytes().all(legal) {
        return Err(NameError {
            what,
            text: text.chars().take(max).collect(),
            max,
        });
    }
    Ok(Arc::from(text))
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                checked(text, $what, $max).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A grid zone such as `DE` or `US-CAL-CISO`: an area with one carbon intensity at a time.
    ZoneId,
    "grid zone",
    32
);
name!(
    /// What the cloud or the operator calls a place: the value of `topology.kubernetes.io/region`.
    Region,
    "region",
    63
);

/// Region → zone. Cloud regions are not unique over providers, so a region that two providers place in different zones
/// is ambiguous unless the node names its provider (the scheme of `spec.providerID`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(String, Region, ZoneId)>", into = "Vec<(String, Region, ZoneId)>")]
pub struct RegionTable {
    by_provider: BTreeMap<(String, Region), ZoneId>,
    any_provider: BTreeMap<Region, Option<ZoneId>>,
}

impl From<Vec<(String, Region, ZoneId)>> for RegionTable {
    fn from(rows: Vec<(String, Region, ZoneId)>) -> Self {
        let mut table = Self::default();
        for (provider, region, zone) in rows {
            table.insert(&provider, region, zone);
        }
        table
    }
}

impl From<RegionTable> for Vec<(String, Region, ZoneId)> {
    fn from(table: RegionTable) -> Self {
        let rows = table.by_provider.into_iter();
        rows.map(|((provider, region), zone)| (provider, region, zone))
            .collect()
    }
}

impl RegionTable {
    /// Adds a row. A later row for the same provider and region replaces the earlier one.
    pub fn insert(&mut self, provider: &str, region: Region, zone: ZoneId) {
        self.by_provider.insert((provider.to_owned(), region.clone()), zone);
        let mut zones = self
            .by_provider
            .iter()
            .filter(|((_, r), _)| *r == region)
            .map(|(_, zone)| zone);
        let first = zones.next().cloned();
        let unanimous = zones.all(|zone| Some(zone) == first.as_ref());
        self.any_provider.insert(region, first.filter(|_| unanimous));
    }

    /// The zone of a region. Without a provider the region must mean the same zone for all of them.
    #[must_use]
    pub fn zone(&self, provider: Option<&str>, region: &Region) -> Option<&ZoneId> {
        let named = provider.and_then(|p| self.by_provider.get(&(p.to_owned(), region.clone())));
        named.or_else(|| self.any_provider.get(region).and_then(Option::as_ref))
    }

    /// Every row as provider, region, zone.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Region, &ZoneId)> {
        self.by_provider
            .iter()
            .map(|((provider, region), zone)| (provider.as_str(), region, zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!("US-CAL-CISO".parse::<ZoneId>().is_ok());
        for bad in ["", "DE\n", "a b", &"X".repeat(33)] {
            assert!(bad.parse::<ZoneId>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_region_that_two_providers_place_differently_needs_the_provider() {
        let mut table = RegionTable::default();
        let (oregon, bpa, pacw) = (
            "west2".parse::<Region>().unwrap(),
            "US-NW-BPAT".parse::<ZoneId>().unwrap(),
            "US-NW-PACW".parse::<ZoneId>().unwrap(),
        );
        table.insert("azure", oregon.clone(), bpa.clone());
        assert_eq!(table.zone(None, &oregon), Some(&bpa));
        table.insert("aws", oregon.clone(), pacw.clone());
        assert_eq!(table.zone(None, &oregon), None);
        assert_eq!(table.zone(Some("aws"), &oregon), Some(&pacw));
    }
}
