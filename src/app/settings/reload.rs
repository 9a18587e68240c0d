use crate::app::yaml::Document;
use serde::Serialize;
use std::collections::BTreeSet;

/// When a changed key takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reload {
    /// With the next decision after the file has changed.
    Live,
    /// When the process starts again.
    Restart,
}

/// A key, with everything below it, and when its change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReloadRule {
    /// The key; of two rules that fit, the longer one counts.
    pub key: &'static str,
    /// When.
    pub reload: Reload,
}

const fn live(key: &'static str) -> ReloadRule {
    ReloadRule {
        key,
        reload: Reload::Live,
    }
}

const fn restart(key: &'static str) -> ReloadRule {
    ReloadRule {
        key,
        reload: Reload::Restart,
    }
}

/// Every key of the file. Sockets, watches and polling loops are made once; figures and rules are read anew each time.
pub const RELOAD: &[ReloadRule] = &[
    restart("apiVersion"),
    restart("kind"),
    live("log.level"),
    restart("log.format"),
    restart("extender"),
    restart("admin"),
    restart("decisions"),
    restart("events"),
    restart("rightsizer"),
    restart("cluster"),
    restart("outbound"),
    restart("carbon"),
    live("carbon.zonesFile"),
    live("carbon.regionsFile"),
    live("carbon.liveGrace"),
    live("carbon.lastKnownFor"),
    live("carbon.forecastFor"),
    restart("power"),
    live("power.gpuProfilesFile"),
    live("power.domains"),
    restart("power.domains[].label"),
    live("power.freshFor"),
    live("power.staleFor"),
    live("power.ramp"),
    live("power.inFlightFor"),
    live("power.booking"),
    live("power.learnedAfter"),
    live("power.pue"),
    live("power.host"),
    restart("load"),
    restart("history"),
    live("placement"),
];

/// When a change of a key takes effect. A key that no rule covers waits for a restart.
#[must_use]
pub fn reload_of(path: &str) -> Reload {
    // Whichever item of a list: `power.domains[3].label` is `power.domains[].label`.
    let any: String = path
        .split('[')
        .map(|part| {
            part.split_once(']')
                .map_or(part.to_owned(), |(_, rest)| format!("[]{rest}"))
        })
        .collect();
    let covers = |rule: &&ReloadRule| {
        let rest = any.strip_prefix(rule.key);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let rules = RELOAD.iter().filter(covers);
    rules
        .max_by_key(|rule| rule.key.len())
        .map_or(Reload::Restart, |rule| rule.reload)
}

/// The keys that differ and wait for a restart. Files are compared as written: a default that is now spelled out counts
/// as a difference.
#[must_use]
pub fn restart_keys_changed(old: &Document, new: &Document) -> Vec<String> {
    let keys: BTreeSet<&String> = old.scalars().keys().chain(new.scalars().keys()).collect();
    keys.into_iter()
        .filter(|key| old.scalar(key) != new.scalar(key) && reload_of(key) == Reload::Restart)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_counts_and_only_at_a_boundary() {
        assert_eq!(reload_of("carbon.providers[0].url"), Reload::Restart);
        assert_eq!(reload_of("carbon.lastKnownFor"), Reload::Live);
        assert_eq!(reload_of("placement.namespaces.ml.mode"), Reload::Live);
        assert_eq!(reload_of("placementx"), Reload::Restart);
        assert_eq!(reload_of("power.interval"), Reload::Restart);
        assert_eq!(reload_of("power.domains[3].label"), Reload::Restart);
        assert_eq!(reload_of("power.domains[3].values.r17"), Reload::Live);
        assert_eq!(reload_of("power.pue.regions.us-east-1"), Reload::Live);
    }

    #[test]
    fn only_what_waits_for_a_restart_is_told() {
        let old = Document::parse("extender: {listen: a}\nplacement: {band: 0.1}\nadmin: {listen: b}\n").unwrap();
        let new =
            Document::parse("extender: {listen: c}\nplacement: {band: 0.2}\noutbound: {allowHosts: [x]}\n").unwrap();
        assert_eq!(
            restart_keys_changed(&old, &new),
            ["admin.listen", "extender.listen", "outbound.allowHosts[0]"]
        );
        assert_eq!(restart_keys_changed(&old, &old), Vec::<String>::new());
    }
}
