//! A binding, as the book of sums reads it.

use super::bindings::BindOutcome;
use super::decisions::{CandidateView, DecisionView};
use heliotrope_core::accounting::{Amount, BoundNode, Place, Placed, Standing, Unpriced};
use heliotrope_core::grid::ZoneId;
use heliotrope_core::snapshot::Snapshot;

/// The mode of pods that were not weighed.
const NOT_WEIGHED: &str = "none";

/// What is to be added up about a pod that was bound to a node.
pub(super) fn placed(decision: Option<&DecisionView>, node: &str, outcome: BindOutcome) -> Placed<'static> {
    let workload = decision.and_then(|decision| decision.workload.as_ref());
    Placed {
        mode: workload.map_or(NOT_WEIGHED, |workload| workload.mode.name()),
        outcome: outcome.name(),
        choice: decision.and_then(|decision| decision.choice),
        bound: bound(decision, node),
    }
}

/// The same of a pod of which no decision is known.
pub(super) fn unweighed(outcome: BindOutcome, why: Unpriced) -> Placed<'static> {
    Placed {
        mode: NOT_WEIGHED,
        outcome: outcome.name(),
        choice: None,
        bound: Err(why),
    }
}

/// What the node costs, as known when the decision was made.
fn bound(decision: Option<&DecisionView>, node: &str) -> Result<BoundNode, Unpriced> {
    let decision = decision.ok_or(Unpriced::Bypassed)?;
    if decision.exempt.is_some() {
        return Err(Unpriced::Exempt);
    }
    let rung = decision.rung.ok_or(Unpriced::NoCarbon)?;
    let Some(row) = row(decision, node) else {
        // A name that the snapshot did not know has no row either.
        return Err(match decision.cut {
            true => Unpriced::Forgotten,
            false if decision.candidates.len() < decision.offered_to_us => Unpriced::UnknownNode,
            false => Unpriced::NotACandidate,
        });
    };
    let (Some(cost), Some(power)) = (row.cost.as_ref(), row.power_rung) else {
        let known = row.zone.is_some() && row.model.is_some();
        return Err(if known {
            Unpriced::NoCarbon
        } else {
            Unpriced::UnknownNode
        });
    };
    Ok(BoundNode {
        amount: Amount::from(cost),
        standing: Standing {
            rung,
            estimated: row.carbon_estimated.unwrap_or(false),
            coefficient: cost.coefficient,
            power,
        },
    })
}

fn row<'d>(decision: &'d DecisionView, node: &str) -> Option<&'d CandidateView> {
    decision.candidates.iter().find(|row| row.node.as_ref() == node)
}

/// What the placement is broken down by: zone and model of the node now, which are known of pods that passed us by too.
pub(super) fn place<'a>(snapshot: &'a Snapshot, namespace: &'a str, node: &str) -> Place<'a> {
    let node = snapshot.find(node).and_then(|ix| snapshot.node(ix));
    let zone = node.and_then(|node| snapshot.zone(node.zone?));
    let profile = node.and_then(|node| snapshot.surroundings.catalogue.profile(node.model?));
    Place {
        namespace,
        zone: zone.map(|zone| ZoneId::as_str(&zone.id)),
        model: profile.map(|profile| profile.model.as_ref()),
    }
}
