//! What decisions were worth, counted again from files of the decision log.

use super::account;
use super::bindings::BindOutcome;
use super::decisions::DecisionView;
use super::journal::{Bound, LogReader, ReadError, Told};
use heliotrope_core::accounting::{Book, MAX_DAYS, Period, Place, Placed, Report, Unpriced, date};
use heliotrope_core::grid::IntensityKind;
use heliotrope_core::quantity::Ratio;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::io::BufRead;

/// Sums over the pods that files say were bound, each with the last decision before that, whichever file has it.
///
/// Every file is read twice: who was bound where must be known before decisions are, so that of a decision only the row of
/// that node is kept. Files may come in any order, and from several replicas.
#[derive(Debug, Default)]
pub struct Recount {
    files: HashSet<super::LogHead>,
    /// In the order in which they were read.
    bound: Vec<Binding>,
    by_uid: HashMap<String, usize>,
    attempts: Vec<(Timestamp, Ratio)>,
    kind: Option<IntensityKind>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    counted: Recounted,
}

/// What was read, and what is missing in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recounted {
    /// Files.
    pub files: u64,
    /// Filter calls in them.
    pub calls: u64,
    /// Pods bound.
    pub bound: u64,
    /// Of these: those that an extender was asked about and whose decision is in none of the files.
    pub undecided: u64,
    /// Decisions that the files say are missing.
    pub dropped: u64,
    /// Files whose last line broke off.
    pub torn: u64,
    /// Calls about bound pods whose costs come out otherwise now, as they may in another version: the sums have the new ones.
    pub different: u64,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RecountError {
    /// Nothing was decided.
    #[error("no decision is in these files")]
    Empty,
    /// Sums are kept by day, and of so many.
    #[error("these files reach over {0} days, and a report covers {MAX_DAYS}: say --from and --until")]
    Long(usize),
}

#[derive(Debug)]
struct Binding {
    seen: Bound,
    /// The last decision before it, and when that was.
    decided: Option<(Timestamp, Placed<'static>)>,
}

impl Recount {
    /// Takes in who was bound where.
    ///
    /// # Errors
    /// When a line cannot be read, or when the file was taken in before.
    pub fn bindings(&mut self, log: LogReader<impl BufRead>) -> Result<(), ReadError> {
        let head = log.head();
        if !self.files.insert(head) {
            return Err(ReadError::Twice);
        }
        self.counted.files += 1;
        self.since = Some(self.since.map_or(head.opened, |since| since.min(head.opened)));
        self.seen_until(head.opened);
        for seen in log.bindings()? {
            self.seen_until(seen.at);
            let known = self.by_uid.get(&seen.uid).and_then(|place| self.bound.get_mut(*place));
            // Every replica notes a binding, and one of them was asked about the pod, which is bound once.
            if let Some(known) = known {
                if (knows(seen.outcome), seen.at) < (knows(known.seen.outcome), known.seen.at) {
                    known.seen = seen;
                }
            } else {
                self.by_uid.insert(seen.uid.clone(), self.bound.len());
                self.bound.push(Binding { seen, decided: None });
            }
        }
        Ok(())
    }

    /// Takes in what was decided, once all files were taken in by [`Recount::bindings`].
    ///
    /// # Errors
    /// When the file cannot be read to its end, or when its grams are of another kind of intensity than those before.
    pub fn decisions(&mut self, log: LogReader<impl BufRead>) -> Result<(), ReadError> {
        for told in log {
            match told? {
                Told::Call(call) => {
                    self.seen_until(call.asked.now);
                    if !call.is_filter() {
                        continue;
                    }
                    self.counted.calls += 1;
                    self.attempts.push((call.asked.now, call.asked.policy.band));
                    let kind = call.asked.snapshot.surroundings.kind;
                    let first = *self.kind.get_or_insert(kind);
                    if first != kind {
                        let problem = format!(
                            "grams from here on are of {kind} intensity and those before of {first}: report them by themselves"
                        );
                        return Err(ReadError::Line {
                            line: call.line,
                            problem,
                        });
                    }
                    self.decided(*call);
                }
                Told::Dropped(count) => self.counted.dropped = self.counted.dropped.saturating_add(count),
                Told::Torn => self.counted.torn += 1,
                Told::Bound => {}
            }
        }
        Ok(())
    }

    fn decided(&mut self, call: super::LoggedCall) {
        let (at, band) = (call.asked.now, call.asked.policy.band.get());
        let place = self.by_uid.get(&call.uid).copied();
        let Some(binding) = place.and_then(|place| self.bound.get_mut(place)) else {
            return;
        };
        let later = binding.decided.as_ref().is_none_or(|(held, _)| *held <= at);
        if !later || at > binding.seen.at {
            return;
        }
        let Some((record, same)) = call.filtered() else { return };
        let Some(view) = DecisionView::filtered(&record, band) else {
            return;
        };
        self.counted.different += u64::from(!same);
        let node = binding.seen.node.as_str();
        let placed = account::placed(Some(&view), node, view.outcome(node, band));
        binding.decided = Some((at, placed));
    }

    /// The report over days, both ends included; without them over all that was read.
    ///
    /// # Errors
    /// When nothing was decided, or when there are more days than are kept.
    pub fn report(
        mut self,
        (from, until): (Option<Date>, Option<Date>),
        now: Timestamp,
    ) -> Result<(Report, Recounted), RecountError> {
        let (Some(kind), Some(since), Some(last)) = (self.kind, self.since, self.until) else {
            return Err(RecountError::Empty);
        };
        let period = Period {
            from: from.unwrap_or(date(since)),
            until: until.unwrap_or(date(last)),
        };
        let within = |at: &Timestamp| (period.from..=period.until).contains(&date(*at));
        let mut book = Book::new(since);
        // As they happened, so that sums are the same to the last bit whichever file came first.
        self.attempts.sort_by_key(|(at, _)| *at);
        self.bound.sort_by_key(|binding| binding.seen.at);
        let days = self.days(within);
        if days > MAX_DAYS {
            return Err(RecountError::Long(days));
        }
        for (at, band) in self.attempts.iter().filter(|(at, _)| within(at)) {
            book.weighed(*at, *band);
        }
        for Binding { seen, decided } in self.bound.iter().filter(|one| within(&one.seen.at)) {
            self.counted.bound += 1;
            let place = Place {
                namespace: seen.pod.split_once('/').map_or("", |(namespace, _)| namespace),
                zone: seen.zone.as_deref(),
                model: seen.model.as_deref(),
            };
            let placed = placed(seen, decided.as_ref());
            self.counted.undecided += u64::from(placed.bound == Err(Unpriced::Forgotten));
            book.add(seen.at, place, &placed);
        }
        Ok((Report::of(&book, period, kind, now), self.counted))
    }

    /// How many days have anything in them.
    fn days(&self, within: impl Fn(&Timestamp) -> bool) -> usize {
        let bound = self.bound.iter().map(|binding| &binding.seen.at);
        let all = self.attempts.iter().map(|(at, _)| at).chain(bound);
        let days: HashSet<Date> = all.filter(|at| within(at)).map(|at| date(*at)).collect();
        days.len()
    }

    fn seen_until(&mut self, at: Timestamp) {
        self.until = Some(self.until.map_or(at, |until| until.max(at)));
    }
}

/// How little the one who saw a binding knew of the pod.
fn knows(outcome: BindOutcome) -> u8 {
    match outcome {
        BindOutcome::Bypassed => 2,
        BindOutcome::Exempt => 1,
        _ => 0,
    }
}

/// What is to be added up about a binding.
fn placed(seen: &Bound, decided: Option<&(Timestamp, Placed<'static>)>) -> Placed<'static> {
    match (seen.outcome, decided) {
        // One that became exempt after it was weighed.
        (BindOutcome::Exempt, _) => account::unweighed(seen.outcome, Unpriced::Exempt),
        (_, Some((_, placed))) => *placed,
        (BindOutcome::Bypassed, None) => account::unweighed(seen.outcome, Unpriced::Bypassed),
        // It was weighed, and the files do not have it.
        (outcome, None) => account::unweighed(outcome, Unpriced::Forgotten),
    }
}
