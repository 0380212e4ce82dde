//! What to do next: a fold over what came back.
//!
//! ```text
//! observe ─┬─► search 1 ─► search 2 ─► search 3 ─┬─► answer ──error──► search 3, once ─► answer ─► give up
//!          │   same thing   looser     other     │
//!          │   other words  words      frames    ├─► reconstruct again, once, if depth is needed and there was none
//!          └──────────── all found ──────────────┘
//! ```
//!
//! Every road is bounded: at most one repetition of each detour.

use super::{
    converse::{Feedback, Outcome},
    python::prose,
    task::Task,
    words,
};

/// The next thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Move {
    /// Segment what the question names, and reconstruct.
    Observe,
    /// Look for what is missing under other names.
    Search(Vec<(String, Vec<String>)>),
    /// Look for it in other frames too, with a lower threshold.
    Widen(Vec<(String, Vec<String>)>),
    /// Reconstruct from fewer frames.
    Again,
    /// Measure and answer, in space or in the picture alone.
    Answer {
        /// Whether there is depth to measure with.
        depth: bool,
    },
    /// Say why not.
    GiveUp(String),
}

/// What is known after some steps.
struct Progress<'t> {
    task: &'t Task,
    next: Move,
    round: u8,
    widened: bool,
    again: bool,
    restarted: bool,
    misread: bool,
    missing: Vec<(String, String)>,
    no_depth: Option<String>,
}

/// The next move of a task after the feedback so far.
pub(super) fn next(task: &Task, history: &[Feedback]) -> Move {
    let mut progress = Progress {
        task,
        next: Move::Observe,
        round: 0,
        widened: false,
        again: false,
        restarted: false,
        misread: false,
        missing: vec![],
        no_depth: None,
    };
    for feedback in history {
        progress.take(feedback);
    }
    progress.next
}

impl Progress<'_> {
    fn take(&mut self, feedback: &Feedback) {
        let reason = prose(&feedback.reason);
        self.next = match (&self.next, feedback.outcome) {
            (Move::GiveUp(_), _) => return,
            (_, Outcome::NotUnderstood) if !std::mem::replace(&mut self.misread, true) => return,
            (_, Outcome::NotUnderstood) => {
                Move::GiveUp(format!("The reply was not understood twice: {reason}"))
            }
            (_, Outcome::Refused) => Move::GiveUp(format!("The measured answer was refused: {reason}")),
            (Move::Answer { .. }, Outcome::Ok) => {
                Move::GiveUp("The last cell ran but gave no answer.".into())
            }
            (Move::Answer { depth }, Outcome::Error) => self.answer_failed(*depth, reason),
            (_, Outcome::Ok) => {
                self.read(&feedback.output);
                self.decide()
            }
            (_, Outcome::Error) if !std::mem::replace(&mut self.restarted, true) => Move::Observe,
            (_, Outcome::Error) => Move::GiveUp(format!("Looking at the frames failed: {reason}")),
        };
    }

    /// The picture alone may do, or more frames may help; nothing else would.
    fn answer_failed(&mut self, depth: bool, reason: String) -> Move {
        if depth && !self.task.family.needs_depth() {
            self.no_depth = Some(reason);
            return Move::Answer { depth: false };
        }
        if self.widened || self.task.family.names().is_empty() {
            return Move::GiveUp(format!("The measurement failed: {reason}"));
        }
        self.widened = true;
        let names = self.task.family.names();
        Move::Widen(names.into_iter().map(|name| (name.to_owned(), all_phrases(name))).collect())
    }

    fn decide(&mut self) -> Move {
        if let Some(search) = self.search() {
            return search;
        }
        if let Some((name, note)) = self.missing.first() {
            let is_unknown_word = note.to_lowercase().contains("vocabulary");
            if !self.task.family.may_be_absent() || is_unknown_word {
                return Move::GiveUp(format!(
                    "Nothing called \"{}\" was found, under its name or others: {}",
                    prose(name),
                    prose(note)
                ));
            }
        }
        match &self.no_depth {
            Some(_) if self.task.family.needs_depth() && !self.again => {
                self.again = true;
                Move::Again
            }
            Some(note) if self.task.family.needs_depth() => Move::GiveUp(format!(
                "A {} needs depth, and these frames give none: {}",
                self.task.family.title(),
                prose(note)
            )),
            // Of a family that wants no depth, no depth is known.
            no_depth => Move::Answer { depth: self.task.family.wants_depth() && no_depth.is_none() },
        }
    }

    /// The next way to look for what is missing.
    fn search(&mut self) -> Option<Move> {
        let names = self.task.family.names();
        let absent_is_fine = self.task.family.may_be_absent();
        while !self.missing.is_empty() && self.round < 3 {
            self.round += 1;
            let phrases = |name: &str| match self.round {
                1 => words::rephrased(name),
                2 if absent_is_fine || has_namesake(name, &names) => vec![],
                2 => words::shortened(name),
                _ if absent_is_fine || has_namesake(name, &names) => strict_phrases(name),
                _ => all_phrases(name),
            };
            let others: Vec<(String, Vec<String>)> = self
                .missing
                .iter()
                .map(|(name, _)| (name.clone(), phrases(name)))
                .filter(|(_, phrases)| !phrases.is_empty())
                .collect();
            if self.round == 3 && !std::mem::replace(&mut self.widened, true) {
                return Some(Move::Widen(others));
            }
            if self.round < 3 && !others.is_empty() {
                return Some(Move::Search(others));
            }
        }
        None
    }

    /// Takes in what a cell printed: lines `object N (…): …` and `geometry: …`, the last of each.
    fn read(&mut self, output: &str) {
        let names: Vec<String> = self.task.family.names().into_iter().map(str::to_owned).collect();
        for line in output.lines() {
            if let Some(geometry) = line.strip_prefix("geometry: ") {
                self.no_depth = geometry.strip_prefix("none: ").map(str::to_owned);
            }
            let number =
                line.strip_prefix("object ").and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
            let Some(name) = number.and_then(|number| names.get(number.checked_sub(1)?)) else { continue };
            self.missing.retain(|(other, _)| other != name);
            if let Some((_, note)) = line.split_once("): nothing found ") {
                self.missing.push((name.clone(), note.to_owned()));
            }
        }
    }
}

/// Whether another name of the question has the same noun: without adjectives they would be one.
fn has_namesake(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| *other != name && words::head(other) == words::head(name))
}

fn strict_phrases(name: &str) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(words::rephrased(name)).collect()
}

fn all_phrases(name: &str) -> Vec<String> {
    strict_phrases(name).into_iter().chain(words::shortened(name)).collect()
}
