//! A logged filter call as the record that it was written from.

use super::read::{LoggedAnswer, LoggedCall};
use crate::world::record::{Offered, PodId, Record, Stage, Weighed};
use heliotrope_core::placement::{Question, weigh};
use heliotrope_core::snapshot::NodeIx;
use std::sync::Arc;

impl LoggedCall {
    /// The record, and whether its costs and inputs are those that were written; `None` for other calls. Costs are computed
    /// again: the log has their grams and a hash over the rest. What is only there for the explanation is left out.
    pub(in crate::world) fn filtered(self) -> Option<(Record, bool)> {
        let LoggedAnswer::Filter { rung, ref costs, .. } = self.answer else {
            return None;
        };
        let question = Question {
            now: self.weighed_at,
            ..self.asked.question(&self.uid)
        };
        let again = weigh(&question, rung, &self.candidates());
        let same = again.iter().zip(costs).all(|(again, logged)| match (again, logged) {
            (Some(again), Some(logged)) => logged.is(again),
            (again, logged) => again.is_none() && logged.is_none(),
        });
        let same = same && self.same_inputs;
        let (namespace, name) = self.pod.split_once('/').unwrap_or(("", &self.pod));
        let pod = PodId {
            uid: Arc::from(self.uid.as_str()),
            namespace: Arc::from(namespace),
            name: Arc::from(name),
        };
        let offered = self.offered();
        let (at, weighed) = (
            self.asked.now,
            Weighed {
                rung,
                costs: Arc::new(again),
                at: self.weighed_at,
            },
        );
        let LoggedAnswer::Filter {
            refused, kept, group, ..
        } = self.answer
        else {
            return None;
        };
        let stage = Stage::Filter {
            asked: Box::new(self.asked),
            offered,
            weighed,
            refused,
            kept,
            reserved: Vec::new(),
            group,
        };
        Some((Record { pod, at, stage }, same))
    }

    fn offered(&self) -> Offered {
        let known = self
            .known
            .iter()
            .map(|place| Some(NodeIx(u32::try_from(*place).unwrap_or(u32::MAX))));
        let others = self.given.len() + self.unknown;
        let templates = if self.given.is_empty() {
            Vec::new()
        } else {
            let whole = self.given.iter().cloned().map(Some);
            let before = std::iter::repeat_n(None, self.known.len());
            before
                .chain(whole)
                .chain(std::iter::repeat_n(None, self.unknown))
                .collect()
        };
        Offered {
            places: known.chain(std::iter::repeat_n(None, others)).collect(),
            templates,
            unknown: Vec::new(),
        }
    }
}
