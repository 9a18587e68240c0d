//! Profiles whose own preferences work against Heliotrope's.

use super::super::finding::{Kind, Severity};
use super::Found;
use super::view::View;

/// The profile that is shipped for pods that want to be placed by carbon; without one of this name all profiles count.
const OURS: &str = "heliotrope";

const SAMPLED: Kind = Kind {
    code: "sampled-nodes",
    severity: Severity::Warning,
    meaning: "From 100 nodes on the scheduler stops looking once it has found a share of them (about 420 of 1,000, 500 of \
              5,000), and the extender is asked about these alone: the greenest of a sample is not the greenest.",
    remedy: "Set percentageOfNodesToScore: 100 in the profile.",
};

const IMAGES: Kind = Kind {
    code: "image-locality",
    severity: Severity::Warning,
    meaning: "ImageLocality gives up to 100 points to nodes that have the image: it pulls pods to where such pods ran before, \
              whatever the grid there is today, and wakes empty nodes.",
    remedy: "Disable ImageLocality under plugins.multiPoint.disabled.",
};

const BALANCED: Kind = Kind {
    code: "balanced-allocation",
    severity: Severity::Note,
    meaning: "NodeResourcesBalancedAllocation looks at CPU and memory and not at GPUs: on nodes that are filled by GPUs its up \
              to 100 points are noise.",
    remedy: "Disable NodeResourcesBalancedAllocation under plugins.multiPoint.disabled.",
};

const SPREADS_LOAD: Kind = Kind {
    code: "least-allocated",
    severity: Severity::Warning,
    meaning: "NodeResourcesFit prefers empty nodes (LeastAllocated, the default): it wakes a node while another has room, and a \
              GPU node draws hundreds of watts before the first pod does anything.",
    remedy: "Set scoringStrategy.type: MostAllocated in the arguments of NodeResourcesFit, with the GPU resource in front.",
};

const SPREADS_PODS: Kind = Kind {
    code: "default-spreading",
    severity: Severity::Note,
    meaning: "By default the pods of every Service, ReplicaSet and StatefulSet are spread over zones and hosts with up to 200 \
              points, against the greenest zone.",
    remedy: "Set defaultingType: List and defaultConstraints: [] in the arguments of PodTopologySpread.",
};

pub(super) fn check(root: &View<'_>, found: &mut Found<'_>) {
    let mut profiles = root.key("profiles").items();
    if profiles.is_empty() {
        // kube-scheduler makes a profile of its defaults.
        profiles.push(root.key("profiles"));
    }
    let is_ours = |profile: &View<'_>| profile.key("schedulerName").text() == Some(OURS);
    let named = profiles.iter().any(is_ours);
    for profile in profiles.iter().filter(|profile| !named || is_ours(profile)) {
        sampling(root, profile, found);
        plugins(profile, found);
    }
}

fn sampling(root: &View<'_>, profile: &View<'_>, found: &mut Found<'_>) {
    let own = profile.key("percentageOfNodesToScore");
    let share = own.number().or_else(|| root.key("percentageOfNodesToScore").number());
    if share != Some(100) {
        let what = share.filter(|share| *share > 0).map_or_else(
            || "the scheduler chooses how many nodes it looks at".to_owned(),
            |share| format!("{share} % of the nodes are looked at"),
        );
        found.note(SAMPLED, &own.path, what);
    }
}

fn plugins(profile: &View<'_>, found: &mut Found<'_>) {
    let scores = |plugin: &str| scores(profile, plugin);
    let at = profile.key("plugins").path;
    if scores("ImageLocality") {
        found.note(IMAGES, &at, "ImageLocality scores nodes");
    }
    if scores("NodeResourcesBalancedAllocation") {
        found.note(BALANCED, &at, "NodeResourcesBalancedAllocation scores nodes");
    }
    let fit = arguments(profile, "NodeResourcesFit");
    let strategy = fit.as_ref().map(|args| args.key("scoringStrategy").key("type"));
    let packs = strategy
        .as_ref()
        .and_then(View::text)
        .is_some_and(|strategy| ["MostAllocated", "RequestedToCapacityRatio"].contains(&strategy));
    if scores("NodeResourcesFit") && !packs {
        let at = strategy.map_or_else(|| profile.key("pluginConfig").path, |strategy| strategy.path);
        found.note(SPREADS_LOAD, &at, "NodeResourcesFit prefers empty nodes");
    }
    let spread = arguments(profile, "PodTopologySpread");
    let listed = spread
        .as_ref()
        .is_some_and(|args| args.key("defaultingType").text() == Some("List"));
    if scores("PodTopologySpread") && !listed {
        let at = spread.map_or_else(|| profile.key("pluginConfig").path, |spread| spread.path);
        found.note(SPREADS_PODS, &at, "pods are spread by built-in constraints");
    }
}

/// The arguments of a plugin.
fn arguments<'d>(profile: &View<'d>, plugin: &str) -> Option<View<'d>> {
    let configured = profile.key("pluginConfig").items().into_iter();
    let mut named = configured.filter(|config| config.key("name").text() == Some(plugin));
    named.next().map(|config| config.key("args"))
}

/// Whether a default score plugin still scores: nobody disabled it, or it was enabled again.
fn scores(profile: &View<'_>, plugin: &str) -> bool {
    let listed = |point: &str, list: &str, name: &str| {
        let items = profile.key("plugins").key(point).key(list).items();
        items.iter().any(|item| item.key("name").text() == Some(name))
    };
    let enabled = ["score", "multiPoint"]
        .iter()
        .any(|point| listed(point, "enabled", plugin));
    let disabled = ["score", "multiPoint"]
        .iter()
        .any(|point| listed(point, "disabled", plugin) || listed(point, "disabled", "*"));
    enabled || !disabled
}
