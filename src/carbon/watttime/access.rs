//! `/v3/my-access`: which routes of which regions an account can read.

use super::signal_type;
use super::wire::route;
use crate::carbon::access::{Ability, Access};
use heliotrope_core::grid::Signal;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Deserialize)]
struct Body {
    signal_types: Vec<SignalType>,
}

#[derive(Debug, Deserialize)]
struct SignalType {
    signal_type: String,
    #[serde(default)]
    regions: Vec<Region>,
}

#[derive(Debug, Deserialize)]
struct Region {
    region: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

/// An endpoint with its models, of which none is named here: the API takes the newest by itself.
#[derive(Debug, Deserialize)]
struct Endpoint {
    endpoint: String,
}

/// Routes by region.
pub(super) type Regions = BTreeMap<String, BTreeSet<String>>;

/// What can be read of a signal.
pub(super) fn of(body: &[u8], signal: Signal) -> Option<Regions> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let mut regions = Regions::new();
    let wanted = body
        .signal_types
        .into_iter()
        .filter(|one| one.signal_type == signal_type(signal));
    for region in wanted.flat_map(|one| one.regions) {
        let routes = region.endpoints.iter().map(|endpoint| {
            let route = endpoint.endpoint.trim_matches('/');
            route.strip_prefix("v3/").unwrap_or(route).to_owned()
        });
        regions.entry(region.region).or_default().extend(routes);
    }
    Some(regions)
}

/// What can be read of a region: one that is not listed, not at all.
pub(super) fn can(regions: &Regions, region: &str) -> Access {
    let routes = regions.get(region);
    let can = |what| routes.is_some_and(|routes| routes.contains(route(what)));
    Access::of(&[Ability::Past, Ability::Forecast], can)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_those_of_the_signal_and_the_region() {
        let body = br#"{"signal_types":[{"signal_type":"co2_moer","regions":[
            {"region":"CAISO_NORTH","region_full_name":"California ISO Northern","endpoints":[
              {"endpoint":"v3/forecast","models":[{"model":"2023-03-01","data_start":"2020-01-01","train_start":null,"train_end":null}]},
              {"endpoint":"/v3/historical","models":[]},{"endpoint":"signal-index","models":[]}]},
            {"region":"PJM_NJ","endpoints":[{"endpoint":"forecast/historical","models":[]},{"endpoint":"signal-index","models":[]}]}]},
            {"signal_type":"health_damage","regions":[{"region":"PJM_NJ","endpoints":[{"endpoint":"forecast"}]}]}]}"#;
        let regions = of(body, Signal::Marginal).unwrap();
        assert_eq!(can(&regions, "CAISO_NORTH").names(true), ["past", "forecast"]);
        let none: [&str; 0] = [];
        for region in ["PJM_NJ", "ERCOT"] {
            assert_eq!(
                can(&regions, region).names(true),
                none,
                "{region}: neither a percentile nor another signal counts"
            );
        }
        assert_eq!(
            can(&of(body, Signal::Average).unwrap(), "CAISO_NORTH").names(false),
            ["past", "forecast"]
        );
        assert_eq!(of(b"[]", Signal::Average), None);
    }
}
