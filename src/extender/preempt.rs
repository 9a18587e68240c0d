use super::answer::VictimMap;
use super::judge::Case;
use super::wire::{MetaVictim, PreemptionArgs, Victims};
use heliotrope_core::placement::PreemptCandidate;

/// The victims of a request in the Meta form, whichever form they came in.
pub(super) fn victims<'a>(args: &mut PreemptionArgs<'a>) -> VictimMap<'a> {
    if let Some(meta) = args.meta_victims.take() {
        return meta;
    }
    let full = args.victims.take().unwrap_or_default().into_iter();
    full.map(|(node, victims)| {
        let pods = victims.pods.map(|pods| pods.into_iter().map(Into::into).collect());
        (
            node,
            Victims {
                pods,
                pdb_violations: victims.pdb_violations,
            },
        )
    })
    .collect()
}

/// The nodes with their victims, in the map's order.
pub(super) fn candidates<'a>(case: &Case<'_>, victims: &'a VictimMap<'_>) -> Vec<PreemptCandidate<'a>> {
    let of = |(name, victims): (&std::borrow::Cow<'_, str>, &'a Victims<MetaVictim>)| PreemptCandidate {
        node: case.snapshot.find(name),
        victims: victims
            .pods
            .iter()
            .flatten()
            .map(|victim| victim.uid.as_str())
            .collect(),
    };
    victims.iter().map(of).collect()
}
