use super::cost::NodeCost;
use crate::quantity::JOULES_PER_KWH;
use serde::Serialize;

/// By how many grams one node costs more than another, and through what; a part is negative where the node is the better
/// one in it. The parts add up to the difference of the totals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostGap {
    /// The grid: what the other node's energy would cost more at this node's intensity.
    pub carbon: f64,
    /// Energy of the work itself, at this node's intensity: watts of boards and host, run time, overhead of the facility.
    pub power: f64,
    /// The share of waking the node, at this node's intensity.
    pub wake: f64,
    /// GPUs that would be stranded.
    pub stranded: f64,
}

impl CostGap {
    /// What a node costs more than another.
    #[must_use]
    pub fn between(node: &NodeCost, other: &NodeCost) -> Self {
        let here = node.intensity.get() / JOULES_PER_KWH;
        let there = other.intensity.get() / JOULES_PER_KWH;
        let wake = waking(node) - waking(other);
        Self {
            carbon: other.joules * (here - there),
            power: (node.joules - other.joules - wake) * here,
            wake: wake * here,
            stranded: node.stranded_grams - other.stranded_grams,
        }
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.carbon + self.power + self.wake + self.stranded
    }
}

/// The joules of a cost that wake the node.
fn waking(cost: &NodeCost) -> f64 {
    if cost.watts.get() > 0.0 {
        cost.joules * (cost.wake.get() / cost.watts.get())
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{GramsPerKwh, Watts};
    use crate::snapshot::CoefficientSource;
    use proptest::prelude::*;

    fn cost(watts: f64, wake: f64, seconds: f64, intensity: f64, stranded_grams: f64) -> NodeCost {
        let joules = (watts + wake) * seconds * 1.3;
        NodeCost {
            grams: joules * intensity / JOULES_PER_KWH,
            stranded_grams,
            joules,
            watts: Watts::saturating(watts + wake),
            wake: Watts::saturating(wake),
            promised: 0.0,
            seconds,
            intensity: GramsPerKwh::new(intensity).unwrap(),
            coefficient: CoefficientSource::Profile,
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
    }

    #[test]
    fn each_cause_shows_in_its_own_term() {
        let base = || cost(500.0, 100.0, 3600.0, 100.0, 2.0);
        let grams = |watts: f64, intensity: f64| watts * 1.3 * intensity / 1000.0;
        for (node, expected) in [
            (
                cost(500.0, 100.0, 3600.0, 400.0, 2.0),
                [grams(600.0, 300.0), 0.0, 0.0, 0.0],
            ),
            (
                cost(700.0, 100.0, 3600.0, 100.0, 2.0),
                [0.0, grams(200.0, 100.0), 0.0, 0.0],
            ),
            (
                cost(500.0, 300.0, 3600.0, 100.0, 2.0),
                [0.0, 0.0, grams(200.0, 100.0), 0.0],
            ),
            (cost(500.0, 100.0, 3600.0, 100.0, 7.0), [0.0, 0.0, 0.0, 5.0]),
        ] {
            let gap = CostGap::between(&node, &base());
            let told = [gap.carbon, gap.power, gap.wake, gap.stranded];
            let same = told.iter().zip(expected).all(|(told, expected)| close(*told, expected));
            assert!(same, "{told:?}, not {expected:?}");
        }
    }

    fn any_cost() -> impl Strategy<Value = NodeCost> {
        (0.0..2000.0, 0.0..900.0, 1.0..1e5, 0.0..900.0, -50.0..50.0)
            .prop_map(|(watts, wake, seconds, intensity, stranded)| cost(watts, wake, seconds, intensity, stranded))
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole_difference(node in any_cost(), other in any_cost()) {
            let gap = CostGap::between(&node, &other);
            let scale = node.total().abs() + other.total().abs() + gap.carbon.abs() + gap.power.abs();
            prop_assert!((gap.total() - (node.total() - other.total())).abs() <= 1e-9 * (1.0 + scale));
        }
    }
}
