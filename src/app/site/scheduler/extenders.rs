//! Which extenders there are, which of them is Heliotrope, and how they get on with each other.

use super::super::finding::{Kind, Severity};
use super::view::View;
use super::{Expectations, Found, extender};
use std::collections::BTreeMap;
use url::Url;

/// Where Heliotrope listens unless told otherwise.
const DEFAULT_PORT: u16 = 8650;

const NOT_ASKED: Kind = Kind {
    code: "heliotrope-not-asked",
    severity: Severity::Warning,
    meaning: "This scheduler places pods without Heliotrope.",
    remedy: "Add the stanza that `heliotrope scheduler-config` prints.",
};

const SAME_RESOURCE: Kind = Kind {
    code: "same-resource-twice",
    severity: Severity::Error,
    meaning: "kube-scheduler does not start with two extenders that manage the same resource.",
    remedy: "Name the resource in one extender alone.",
};

const ANOTHER: Kind = Kind {
    code: "another-extender",
    severity: Severity::Warning,
    meaning: "Extenders are asked one after another, for every pod both are interested in: their times add up, each filters what \
              the one before has left, and their scores are added by weight.",
    remedy: "Make sure that the other one scores nodes for a reason that may outweigh carbon, and give it a short httpTimeout.",
};

const TWO_BIND: Kind = Kind {
    code: "two-binders",
    severity: Severity::Error,
    meaning: "kube-scheduler does not start with two extenders that bind.",
    remedy: "Leave bindVerb to one extender. Heliotrope does not bind.",
};

/// The resources that an extender manages.
pub(super) fn resources(extender: &View<'_>) -> Vec<String> {
    let managed = extender.key("managedResources").items();
    let names = managed.iter().filter_map(|resource| resource.key("name").text());
    names.map(str::to_owned).collect()
}

pub(super) fn check(root: &View<'_>, expected: Expectations, found: &mut Found<'_>) {
    let extenders = root.key("extenders").items();
    let port = expected.listen.map_or(DEFAULT_PORT, |listen| listen.port());
    let is_ours = |extender: &View<'_>| {
        let url = extender.key("urlPrefix").text().and_then(|text| Url::parse(text).ok());
        // The only extender of a file is taken for ours: that its address is another is then a slip of it.
        extenders.len() == 1 || url.is_some_and(|url| url.port_or_known_default() == Some(port))
    };
    let ours = extenders.iter().filter(|extender| is_ours(extender)).count();
    if ours == 0 {
        found.note(
            NOT_ASKED,
            "extenders",
            format_args!("no extender at port {port} is configured"),
        );
    }
    for one in &extenders {
        extender::check(one, is_ours(one), expected, found);
    }
    let shared = shared(&extenders, found);
    if !shared && ours > 0 {
        for other in extenders.iter().filter(|extender| !is_ours(extender)) {
            found.note(ANOTHER, &other.path, "another extender is asked too");
        }
    }
    let binders: Vec<&View<'_>> = extenders
        .iter()
        .filter(|extender| extender.key("bindVerb").text().is_some())
        .collect();
    if binders.len() > 1 {
        found.note(TWO_BIND, "extenders", format_args!("{} extenders bind", binders.len()));
    }
}

/// Notes resources that two extenders manage; whether there are any.
fn shared(extenders: &[View<'_>], found: &mut Found<'_>) -> bool {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut any = false;
    for extender in extenders {
        for name in resources(extender) {
            if let Some(before) = first.get(&name) {
                let at = extender.key("managedResources").path;
                found.note(SAME_RESOURCE, &at, format_args!("{name} is managed by {before} too"));
                any = true;
            } else {
                first.insert(name, &extender.path);
            }
        }
    }
    any
}
