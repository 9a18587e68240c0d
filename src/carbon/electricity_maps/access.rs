//! `/zones` with a key: which zones it can read, and which routes of each.

use super::wire::route;
use crate::carbon::access::{Ability, Access};
use heliotrope_core::grid::ZoneId;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct Zone {
    /// Routes such as `carbon-intensity/history`, or `*`. Without a key that counts, zones have no such list.
    access: Option<Vec<String>>,
}

/// What the key can read of the zones. A zone that is not in the answer cannot be read; one without a list says nothing.
pub(super) fn of(body: &[u8], zones: &[ZoneId]) -> Option<BTreeMap<ZoneId, Access>> {
    let told: BTreeMap<String, Zone> = serde_json::from_slice(body).ok()?;
    let access = |zone: &ZoneId| match told.get(zone.as_str()) {
        None => Access::of(&Ability::ALL, |_| false),
        Some(Zone { access: None }) => Access::default(),
        Some(Zone { access: Some(routes) }) => {
            Access::of(&Ability::ALL, |what| routes.iter().any(|listed| covers(listed, what)))
        }
    };
    Some(zones.iter().map(|zone| (zone.clone(), access(zone))).collect())
}

fn covers(listed: &str, what: Ability) -> bool {
    let listed = listed.trim_matches('/');
    let rest = match listed.strip_prefix("carbon-intensity") {
        Some(rest) => rest.trim_start_matches('/'),
        None => return listed == "*",
    };
    rest.is_empty() || rest == "*" || rest == route(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_known_by_their_names_and_stars() {
        let body = br#"{"NL":{"zoneName":"Netherlands","access":["carbon-intensity/history","carbon-intensity/forecast"]},
            "PL":{"zoneName":"Poland","access":["*"]},"DE":{"zoneName":"Germany","access":["carbon-intensity/*","power-breakdown/latest"]},
            "FR":{"zoneName":"France","countryName":"France"},"ES":{"access":["carbon-intensity-level/latest"]}}"#;
        let zones: Vec<ZoneId> = ["NL", "PL", "DE", "FR", "ES", "GB"]
            .iter()
            .map(|zone| zone.parse().unwrap())
            .collect();
        let told = of(body, &zones).unwrap();
        let can = |zone: &str| told[&zone.parse::<ZoneId>().unwrap()].names(true).join(" ");
        assert_eq!(can("NL"), "history forecast");
        assert_eq!(can("PL"), "latest history past forecast");
        assert_eq!(can("DE"), "latest history past forecast");
        assert_eq!(can("ES"), "", "another signal's route is none of ours");
        assert_eq!(can("GB"), "", "a zone that is not listed cannot be read");
        assert_eq!(
            told[&"FR".parse().unwrap()],
            Access::default(),
            "without a list nothing is known"
        );
        assert_eq!(of(b"[]", &zones), None);
    }
}
