use super::entry::check;
use super::line::{Answer, Bound, Call, Candidates, CostRow, Line, VERSION};
use super::runs::Runs;
use super::state::State;
use super::told::inputs;
use crate::world::record::Asked;
use heliotrope_core::placement::{Candidate, GroupChoice, NodeCost, Refusal};
use heliotrope_core::quantity::Rung;
use heliotrope_core::snapshot::{NodeIx, NodeState};
use jiff::Timestamp;
use std::io::{self, BufRead, Read};

/// A longer line is none that this process writes.
const MAX_LINE: u64 = 512 * 1024 * 1024;
/// How the line of a binding begins: who writes puts the kind of a line first.
const BINDING: &[u8] = br#"{"line":"bound""#;
/// More candidates than a cluster has nodes.
const MAX_CANDIDATES: usize = 1_000_000;

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The first line is not that of a decision log.
    #[error("is no decision log: its first line does not say so")]
    NoLog,
    /// A version that is not known here.
    #[error(
        "is version {found} of the format, and this heliotrope reads version {VERSION}: use the one that wrote it, {by}"
    )]
    Version {
        /// Its version.
        found: u32,
        /// Who wrote it.
        by: String,
    },
    /// It has been read already.
    #[error("was given already, under this name or another: name each file once")]
    Twice,
    /// A line in the middle is not what it should be.
    #[error("line {line}: {problem}")]
    Line {
        /// Which.
        line: u64,
        /// What is wrong; never the line itself.
        problem: String,
    },
}

/// What a file tells next.
#[derive(Debug)]
pub enum Told {
    /// A call with its answer.
    Call(Box<LoggedCall>),
    /// A pod was bound.
    Bound,
    /// Decisions that are not in the file.
    Dropped(u64),
    /// The last line broke off, as it does when a process dies: what was in it is lost.
    Torn,
}

/// What the first line of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogHead {
    /// When it was begun.
    pub opened: Timestamp,
    /// The number in its name.
    pub sequence: u64,
}

/// A call that was answered, with all that it was decided on.
#[derive(Debug)]
pub struct LoggedCall {
    /// Its line.
    pub line: u64,
    /// `namespace/name`.
    pub pod: String,
    /// UID.
    pub uid: String,
    /// What it was decided on.
    pub asked: Asked,
    /// The instant that costs were computed for.
    pub weighed_at: Timestamp,
    /// Whether what was read has the hash that was written.
    pub same_inputs: bool,
    /// What was answered.
    pub answer: LoggedAnswer,
    pub(super) known: Vec<usize>,
    pub(super) given: Vec<NodeState>,
    pub(super) unknown: usize,
}

/// A cost as it is written: grams, and a hash over every figure.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedCost {
    /// Grams that the node is ranked by.
    pub grams: f64,
    check: String,
}

impl LoggedCost {
    /// Whether a cost has the same grams and figures, to the last bit.
    #[must_use]
    pub fn is(&self, cost: &NodeCost) -> bool {
        let same = self.grams.to_bits() == cost.total().to_bits();
        same && check(cost).is_ok_and(|check| check == self.check)
    }
}

/// What was answered, for each candidate.
#[derive(Debug)]
pub enum LoggedAnswer {
    /// Filter.
    Filter {
        /// The rung of the comparison.
        rung: Option<Rung>,
        /// What each costs.
        costs: Vec<Option<LoggedCost>>,
        /// Why each was refused.
        refused: Vec<Option<Refusal>>,
        /// Whether each was kept.
        kept: Vec<bool>,
        /// The region of the pod's gang.
        group: Option<GroupChoice>,
    },
    /// Prioritize.
    Prioritize {
        /// The rung of the comparison.
        rung: Option<Rung>,
        /// What each costs.
        costs: Vec<Option<LoggedCost>>,
        /// The score of each.
        scores: Vec<u8>,
    },
    /// Preempt.
    Preempt {
        /// The nodes with their victims.
        victims: Vec<(Option<NodeIx>, Vec<String>)>,
        /// Whether each may be emptied.
        kept: Vec<bool>,
    },
}

impl LoggedCall {
    /// Whether it is a filter call: what a pod's cost and choice are taken from.
    #[must_use]
    pub fn is_filter(&self) -> bool {
        matches!(self.answer, LoggedAnswer::Filter { .. })
    }

    /// The candidates, in the order of the answer.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate<'_>> {
        let known = self
            .known
            .iter()
            .map(|place| Candidate::Known(NodeIx(u32::try_from(*place).unwrap_or(u32::MAX))));
        let given = self.given.iter().map(Candidate::Given);
        known
            .chain(given)
            .chain(std::iter::repeat_n(Candidate::Unknown, self.unknown))
            .collect()
    }
}

/// A file of the decision log, read line by line. Ends after the first error.
#[derive(Debug)]
pub struct LogReader<R> {
    input: R,
    head: LogHead,
    line: u64,
    state: State,
    ended: bool,
}

impl<R: BufRead> LogReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// When it is not that of a decision log of this version.
    pub fn open(input: R) -> Result<Self, ReadError> {
        let head = LogHead {
            opened: Timestamp::MIN,
            sequence: 0,
        };
        let mut reader = Self {
            input,
            head,
            line: 0,
            state: State::default(),
            ended: false,
        };
        let (text, _) = reader.next_line()?.ok_or(ReadError::NoLog)?;
        match serde_json::from_slice(&text) {
            Ok(Line::File {
                version: VERSION,
                opened,
                sequence,
                ..
            }) => {
                reader.head = LogHead { opened, sequence };
                Ok(reader)
            }
            Ok(Line::File {
                version,
                heliotrope: by,
                ..
            }) => Err(ReadError::Version { found: version, by }),
            _ => Err(ReadError::NoLog),
        }
    }

    /// What the first line says.
    #[must_use]
    pub fn head(&self) -> LogHead {
        self.head
    }

    /// The bindings alone, each with its line. What calls were decided on is not looked at, which is faster by far.
    ///
    /// # Errors
    /// When such a line is not what it should be.
    pub(in crate::world) fn bindings(mut self) -> Result<Vec<Bound>, ReadError> {
        let mut bindings = Vec::new();
        while let Some((text, whole)) = self.next_line()? {
            if whole
                && text.starts_with(BINDING)
                && let Line::Bound(bound) = self.parse(&text)?
            {
                bindings.push(*bound);
            }
        }
        Ok(bindings)
    }

    /// The next line and whether it is whole; `None` at the end.
    fn next_line(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let mut text = Vec::new();
        if (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let whole = text.ends_with(b"\n");
        Ok(Some((text, whole)))
    }

    fn read(&mut self) -> Result<Option<Told>, ReadError> {
        while let Some((text, whole)) = self.next_line()? {
            if !whole {
                return Ok(Some(Told::Torn));
            }
            let line = self.line;
            let wrong = |problem: String| ReadError::Line { line, problem };
            match self.parse(&text)? {
                Line::File { .. } => return Err(wrong("a second first line".to_owned())),
                Line::State { parts } => self
                    .state
                    .take(parts)
                    .map_err(|error| wrong(format!("a part is not what this version writes: {error}")))?,
                Line::Call(call) => {
                    let call = self.call(*call).map_err(|error| wrong(error.to_string()))?;
                    return Ok(Some(Told::Call(Box::new(call))));
                }
                Line::Bound(_) => return Ok(Some(Told::Bound)),
                Line::Dropped { count, .. } => return Ok(Some(Told::Dropped(count))),
            }
        }
        Ok(None)
    }

    fn parse(&self, text: &[u8]) -> Result<Line, ReadError> {
        // The parser's own words may quote the line.
        serde_json::from_slice(text).map_err(|error| ReadError::Line {
            line: self.line,
            problem: format!("not what this version writes, at column {}", error.column()),
        })
    }

    fn call(&mut self, call: Call) -> Result<LoggedCall, serde_json::Error> {
        let asked = self.state.asked(call.at)?;
        let expected = inputs(
            self.state.sum(),
            &call.uid,
            call.at,
            call.weighed_at,
            call.candidates.as_ref(),
        )?;
        let Candidates { known, given, unknown } = call.candidates.unwrap_or_default();
        let known = known.places(MAX_CANDIDATES);
        let unknown = usize::try_from(unknown).unwrap_or(usize::MAX).min(MAX_CANDIDATES);
        let count = known.len() + given.len() + unknown;
        Ok(LoggedCall {
            line: self.line,
            pod: call.pod,
            uid: call.uid,
            weighed_at: call.weighed_at.unwrap_or(call.at),
            same_inputs: expected == call.inputs,
            asked,
            answer: answer(call.answer, count),
            known,
            given,
            unknown,
        })
    }
}

impl<R: BufRead> Iterator for LogReader<R> {
    type Item = Result<Told, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read();
        self.ended = read.is_err();
        read.transpose()
    }
}

fn answer(answer: Answer, count: usize) -> LoggedAnswer {
    match answer {
        Answer::Filter {
            rung,
            costs,
            refused,
            kept,
            group,
        } => LoggedAnswer::Filter {
            rung,
            group,
            costs: spread_costs(costs, count),
            refused: spread(
                refused.into_iter().map(|(rule, places)| (Some(rule), places)),
                count,
                None,
            ),
            kept: spread([(true, kept)], count, false),
        },
        Answer::Prioritize { rung, costs, scores } => LoggedAnswer::Prioritize {
            rung,
            costs: spread_costs(costs, count),
            scores: spread(scores, count, 0),
        },
        Answer::Preempt { victims, kept } => LoggedAnswer::Preempt {
            kept: spread([(true, kept)], victims.len(), false),
            victims: victims.into_iter().map(|(ix, uids)| (ix.map(NodeIx), uids)).collect(),
        },
    }
}

fn spread_costs(rows: Vec<CostRow>, count: usize) -> Vec<Option<LoggedCost>> {
    let rows = rows
        .into_iter()
        .map(|(grams, check, places)| (Some(LoggedCost { grams, check }), places));
    spread(rows, count, None)
}

/// A value for each candidate, from the places of each value.
fn spread<T: Clone>(rows: impl IntoIterator<Item = (T, Runs)>, count: usize, missing: T) -> Vec<T> {
    let mut each = vec![missing; count];
    for (value, places) in rows {
        for place in places.places(count) {
            if let Some(slot) = each.get_mut(place) {
                *slot = value.clone();
            }
        }
    }
    each
}
