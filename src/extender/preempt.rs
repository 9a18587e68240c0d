use super::answer::VictimMap;
use super::wire::{PreemptionArgs, Victims};
use heliotrope_core::placement::{PreemptCandidate, Question, preempt};

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

/// Which nodes may be emptied, in the map's order.
pub(super) fn judge(question: &Question<'_>, victims: &VictimMap<'_>) -> Vec<bool> {
    let candidates: Vec<PreemptCandidate<'_>> = victims
        .iter()
        .map(|(name, victims)| PreemptCandidate {
            node: question.snapshot.find(name),
            victims: victims
                .pods
                .iter()
                .flatten()
                .map(|victim| victim.uid.as_str())
                .collect(),
        })
        .collect();
    preempt(question, &candidates)
}
