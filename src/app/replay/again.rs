use super::Report;
use crate::world::{LoggedAnswer, LoggedCall, LoggedCost};
use heliotrope_core::placement::{
    Candidate, NodeCost, PreemptCandidate, Question, Refusal, common_rung, filter, preempt, score, weigh,
};
use heliotrope_core::quantity::Rung;
use serde::Serialize;

/// A figure that is not what was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The file.
    pub file: String,
    /// The line.
    pub line: u64,
    /// The pod.
    pub pod: String,
    /// The node; `None` where it is the call as a whole.
    pub node: Option<String>,
    /// Which figure.
    pub what: &'static str,
    /// What was written.
    pub logged: String,
    /// What comes out now.
    pub replayed: String,
}

/// Asks a call again; gives what differs.
pub(super) fn differences(call: &LoggedCall, file: &str, report: &mut Report) -> Vec<Difference> {
    let mut found = Found {
        call,
        file,
        differences: Vec::new(),
    };
    if !call.same_inputs {
        found.note(None, "inputs", &"the hash that was written", &"another hash");
    }
    let question = call.asked.question(&call.uid);
    let candidates = call.candidates();
    match &call.answer {
        LoggedAnswer::Filter {
            rung,
            costs,
            refused,
            kept,
            group,
        } => {
            report.filter += 1;
            let weighed = found.weighed(&question, &candidates, *rung, costs);
            let verdict = filter(&question, weighed.0, &candidates, &weighed.1);
            let rule = |rule: &Option<Refusal>| rule.map_or("accepted", Refusal::name);
            found.each("refused", &candidates, refused, &verdict.refused, |one| {
                rule(one).to_owned()
            });
            if *group != verdict.group {
                found.note(None, "group", &format!("{group:?}"), &format!("{:?}", verdict.group));
            }
            found.each("kept", &candidates, kept, &verdict.kept, ToString::to_string);
        }
        LoggedAnswer::Prioritize { rung, costs, scores } => {
            report.prioritize += 1;
            let (_, weighed) = found.weighed(&question, &candidates, *rung, costs);
            let again = score(question.policy, &weighed);
            found.each("score", &candidates, scores, &again, ToString::to_string);
        }
        LoggedAnswer::Preempt { victims, kept } => {
            report.preempt += 1;
            let emptied = victims.iter().map(|(node, victims)| PreemptCandidate {
                node: *node,
                victims: victims.iter().map(String::as_str).collect(),
            });
            let emptied: Vec<_> = emptied.collect();
            let again = preempt(&question, &emptied);
            let candidates = emptied
                .iter()
                .map(|one| one.node.map_or(Candidate::Unknown, Candidate::Known));
            found.each(
                "may be emptied",
                &candidates.collect::<Vec<_>>(),
                kept,
                &again,
                ToString::to_string,
            );
        }
    }
    found.differences
}

struct Found<'c> {
    call: &'c LoggedCall,
    file: &'c str,
    differences: Vec<Difference>,
}

impl Found<'_> {
    fn note(&mut self, node: Option<String>, what: &'static str, logged: &dyn ToString, replayed: &dyn ToString) {
        self.differences.push(Difference {
            file: self.file.to_owned(),
            line: self.call.line,
            pod: self.call.pod.clone(),
            node,
            what,
            logged: logged.to_string(),
            replayed: replayed.to_string(),
        });
    }

    /// Rung and costs now, compared with those that were written.
    fn weighed(
        &mut self,
        question: &Question<'_>,
        candidates: &[Candidate<'_>],
        rung: Option<Rung>,
        logged: &[Option<LoggedCost>],
    ) -> (Option<Rung>, Vec<Option<NodeCost>>) {
        let again = common_rung(question, candidates);
        if again != rung {
            let name = |rung: Option<Rung>| rung.map_or("none", Rung::name);
            self.note(None, "rung", &name(rung), &name(again));
        }
        let now = self.call.weighed_at;
        let costs = weigh(&Question { now, ..*question }, again, candidates);
        for ((candidate, cost), logged) in candidates.iter().zip(&costs).zip(logged) {
            let same = match (cost, logged) {
                (Some(cost), Some(logged)) => logged.is(cost),
                (None, None) => true,
                _ => false,
            };
            if same {
                continue;
            }
            let (was, is) = (
                logged.as_ref().map(|cost| cost.grams),
                cost.as_ref().map(NodeCost::total),
            );
            let alike = was.map(f64::to_bits) == is.map(f64::to_bits);
            let what = if alike {
                "watts, seconds or another figure than grams"
            } else {
                "grams"
            };
            let text = |grams: Option<f64>| grams.map_or("unknown".to_owned(), |grams| grams.to_string());
            self.note(Some(self.name(candidate)), what, &text(was), &text(is));
        }
        (again, costs)
    }

    fn each<T: PartialEq>(
        &mut self,
        what: &'static str,
        candidates: &[Candidate<'_>],
        logged: &[T],
        again: &[T],
        text: impl Fn(&T) -> String,
    ) {
        if logged.len() != again.len() {
            self.note(None, what, &logged.len(), &again.len());
        }
        for ((candidate, logged), again) in candidates.iter().zip(logged).zip(again) {
            if logged != again {
                self.note(Some(self.name(candidate)), what, &text(logged), &text(again));
            }
        }
    }

    fn name(&self, candidate: &Candidate<'_>) -> String {
        let node = candidate.node(&self.call.asked.snapshot);
        node.map_or("a node that nobody knew".to_owned(), |node| node.name.to_string())
    }
}
