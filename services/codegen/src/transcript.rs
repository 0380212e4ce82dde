//! A session's memory: the fold of its journal.
//!
//! Whatever the session knows after a restart is in here, and nothing here comes from anywhere else.

use spatialclaw_domain::{
    ArtifactRef, Cell, Event, EventKind, Observation, Outcome, Plan, Question, SessionId, Usage, VisionCall,
};

/// Bytes of answers brought along from cells that are not replayed; a run has to fit a message.
const TOLD_IN_VAIN: usize = 128 << 10;

/// The journal does not tell a session's story.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Nothing was ever written, or it has aged out.
    #[error("the journal of {0} is empty: the question was never submitted, or its journal has aged out")]
    Empty(SessionId),
    /// The first entry is not the submission.
    #[error("the journal begins with `{0}` instead of `submitted`")]
    NoSubmission(&'static str),
    /// An entry that cannot follow what is there.
    #[error("journal entry {seq}: `{event}` cannot follow: {reason}")]
    OutOfOrder {
        /// Its sequence number.
        seq: u64,
        /// Its name.
        event: &'static str,
        /// Why not.
        reason: &'static str,
    },
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every turn is a cell")]
pub enum Turn {
    /// The reply held a cell.
    Cell {
        /// The cell.
        cell: Cell,
        /// What came back; `None` while it waits for a kernel or runs.
        observation: Option<Observation>,
        /// Kernels that went away under this very cell.
        losses: u32,
    },
    /// The reply could not be read.
    Rejected {
        /// The step it would have been.
        step: u32,
        /// Why, as the model is told.
        reason: String,
    },
}

impl Turn {
    /// Counts from 1.
    pub fn step(&self) -> u32 {
        match self {
            Self::Cell { cell, .. } => cell.step,
            Self::Rejected { step, .. } => *step,
        }
    }

    /// What came back, if a cell ran.
    pub fn observation(&self) -> Option<&Observation> {
        match self {
            Self::Cell { observation, .. } => observation.as_ref(),
            Self::Rejected { .. } => None,
        }
    }
}

/// A cell nobody has seen the result of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pending<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// Kernels that went away under it.
    pub losses: u32,
}

/// The fold of a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// As accepted.
    pub question: Question,
    /// W3C trace context of the submission.
    pub traceparent: String,
    /// Milliseconds since the Unix epoch.
    pub submitted_at: u64,
    /// `None` before planning.
    pub plan: Option<Plan>,
    /// In order.
    pub turns: Vec<Turn>,
    /// Tokens in all.
    pub usage: Usage,
    /// Seconds the journal accounts for: writing cells and running them, after each turn.
    pub worked: Vec<f64>,
    /// Kernels that went away, in all.
    pub losses: u32,
    /// Turns whose cell found an interpreter made anew, all cells before it run again.
    pub renewed: Vec<usize>,
    /// Sequence number of the last entry.
    pub last: u64,
    /// How it ended, if it has.
    pub outcome: Option<Outcome>,
}

impl Transcript {
    /// Folds a journal from its first entry.
    ///
    /// # Errors
    /// If the entries are no session's story.
    pub fn fold(session: SessionId, entries: &[(u64, Event)]) -> Result<Self, Error> {
        let Some(((seq, first), rest)) = entries.split_first() else { return Err(Error::Empty(session)) };
        let EventKind::Submitted { question, traceparent } = &first.kind else {
            return Err(Error::NoSubmission(first.kind.name()));
        };
        let mut transcript = Self {
            question: question.clone(),
            traceparent: traceparent.clone(),
            submitted_at: first.at_unix_ms,
            plan: None,
            turns: Vec::new(),
            usage: Usage::default(),
            worked: Vec::new(),
            losses: 0,
            renewed: Vec::new(),
            last: *seq,
            outcome: None,
        };
        for (seq, event) in rest {
            transcript.apply(*seq, &event.kind)?;
        }
        Ok(transcript)
    }

    /// Adds the next entry.
    ///
    /// # Errors
    /// If it cannot follow what is there; nothing has changed then.
    pub fn apply(&mut self, seq: u64, event: &EventKind) -> Result<(), Error> {
        let misfit = |reason| Error::OutOfOrder { seq, event: event.name(), reason };
        if self.outcome.is_some() {
            return Err(misfit("the session has ended"));
        }
        match event {
            EventKind::Submitted { .. } => return Err(misfit("the question was submitted before")),
            EventKind::Planned { plan } => {
                self.usage += plan.usage;
                self.plan = Some(plan.clone());
            }
            EventKind::CellWritten { cell, usage, seconds, .. } => {
                if self.pending().is_some() {
                    return Err(misfit("the cell before it was not observed"));
                }
                self.turns.push(Turn::Cell { cell: cell.clone(), observation: None, losses: 0 });
                self.worked.push(self.seconds_worked() + sane(*seconds));
                self.usage += *usage;
            }
            EventKind::ReplyRejected { step, reason, usage, .. } => {
                if self.pending().is_some() {
                    return Err(misfit("the cell before it was not observed"));
                }
                self.turns.push(Turn::Rejected { step: *step, reason: reason.clone() });
                self.worked.push(self.seconds_worked());
                self.usage += *usage;
            }
            EventKind::Observed { observation: seen, .. } => {
                self.observe(seen).ok_or_else(|| misfit("no cell of its step was waiting for it"))?;
                self.usage += seen.vision_usage;
            }
            EventKind::KernelLost { step, .. } => self.lose(*step),
            EventKind::Answered { .. }
            | EventKind::Unanswered { .. }
            | EventKind::Failed { .. }
            | EventKind::Cancelled { .. } => self.outcome = event.outcome(),
            EventKind::Reopened { .. } => self.outcome = None,
        }
        self.last = seq;
        Ok(())
    }

    fn observe(&mut self, seen: &Observation) -> Option<()> {
        let Some(Turn::Cell { cell, observation: slot @ None, .. }) = self.turns.last_mut() else {
            return None;
        };
        if cell.step != seen.step {
            return None;
        }
        *slot = Some(seen.clone());
        if let Some(worked) = self.worked.last_mut() {
            *worked += sane(seen.seconds);
        }
        Some(())
    }

    fn lose(&mut self, step: u32) {
        self.losses += 1;
        let next = self.turns.len() - usize::from(self.pending().is_some());
        if self.renewed.last() != Some(&next) {
            self.renewed.push(next);
        }
        if let Some(Turn::Cell { cell, observation: None, losses }) = self.turns.last_mut()
            && cell.step == step
        {
            *losses += 1;
        }
    }

    /// The cell that was written and not observed.
    pub fn pending(&self) -> Option<Pending<'_>> {
        match self.turns.last() {
            Some(Turn::Cell { cell, observation: None, losses }) => Some(Pending { cell, losses: *losses }),
            _ => None,
        }
    }

    /// The cells whose effects a kernel of this session must hold, with what was seen of them, in order.
    ///
    /// With each its place among the turns. A cell that cost its interpreter left nothing behind and is not among
    /// them.
    pub fn replayed(&self) -> impl Iterator<Item = (usize, &Cell, &Observation)> {
        self.turns.iter().enumerate().filter_map(|(at, turn)| match turn {
            Turn::Cell { cell, observation: Some(seen), .. } if !seen.state_lost => Some((at, cell, seen)),
            _ => None,
        })
    }

    /// What the vision model told the cell of turn `at`.
    pub fn told(&self, at: usize) -> Vec<VisionCall> {
        self.turns.get(at).and_then(Turn::observation).map(|seen| seen.vision.clone()).unwrap_or_default()
    }

    /// What it told cells that are not replayed, the latest first, within [`TOLD_IN_VAIN`]. No failures: the cell at
    /// hand may ask again.
    pub fn told_in_vain(&self) -> Vec<VisionCall> {
        let seen = self.turns.iter().rev().filter_map(Turn::observation).filter(|seen| seen.state_lost);
        let answered = seen.flat_map(|seen| seen.vision.iter().rev()).filter(|call| !call.failed);
        let mut left = TOLD_IN_VAIN;
        let fits = |call: &&VisionCall| {
            let size = call.answer.len() + call.asked.text.len() + 100 * (call.asked.pictures.len() + 1);
            left.checked_sub(size).map(|rest| left = rest).is_some()
        };
        answered.take_while(fits).cloned().collect()
    }

    /// Steps taken.
    pub fn steps(&self) -> u32 {
        u32::try_from(self.turns.len()).unwrap_or(u32::MAX)
    }

    /// Replies at the end, in a row, that could not be read.
    pub fn failures_in_a_row(&self) -> u32 {
        let rejected =
            self.turns.iter().rev().take_while(|turn| matches!(turn, Turn::Rejected { .. })).count();
        u32::try_from(rejected).unwrap_or(u32::MAX)
    }

    /// Seconds the journal accounts for.
    pub fn seconds_worked(&self) -> f64 {
        self.worked.last().copied().unwrap_or(0.0)
    }

    /// What the cells of the first `turns` turns spent.
    pub fn spent(&self, turns: usize) -> Spent {
        let seen = self.turns.iter().take(turns).filter_map(Turn::observation);
        seen.fold(Spent::default(), |spent, seen| Spent {
            tool_calls: spent
                .tool_calls
                .saturating_add(count(seen.tool_calls.len()))
                .saturating_add(seen.tool_calls_dropped),
            shown_images: spent.shown_images.saturating_add(count(seen.shown.len())),
        })
    }

    /// Images shown on the way, each once, in order.
    pub fn evidence(&self) -> Vec<ArtifactRef> {
        let mut evidence: Vec<ArtifactRef> = Vec::new();
        for shown in self.turns.iter().filter_map(Turn::observation).flat_map(|seen| &seen.shown) {
            if !evidence.contains(&shown.image) {
                evidence.push(shown.image.clone());
            }
        }
        evidence
    }
}

/// What cells spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls to the host.
    pub tool_calls: u32,
    /// Pictures.
    pub shown_images: u32,
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Journals are read by several versions of us: a duration that is none counts as nothing.
fn sane(seconds: f64) -> f64 {
    if seconds.is_finite() && seconds > 0.0 { seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_journal_folds_to_what_happened() {
        let journal = fixture::journal(vec![
            fixture::planned("look"),
            fixture::written(1, "a = 1"),
            fixture::lost(1),
            fixture::observed(1, "1"),
            fixture::rejected(2),
            fixture::written(3, "b = 2"),
        ]);
        let transcript = Transcript::fold(fixture::session(), &journal).unwrap();
        assert_eq!(transcript.steps(), 3);
        assert_eq!(transcript.pending().unwrap().cell.code, "b = 2");
        assert_eq!(transcript.replayed().map(|(_, cell, _)| cell.step).collect::<Vec<_>>(), [1]);
        assert_eq!(transcript.failures_in_a_row(), 0);
        assert_eq!((transcript.losses, transcript.last), (1, 7));
        assert_eq!(transcript.renewed, [0], "the first cell was waiting when the kernel went");
        assert_eq!(transcript.usage.calls, 4, "plan, two cells and a rejected reply");
    }

    #[test]
    fn entries_that_tell_no_story_are_refused() {
        let session = fixture::session();
        assert_eq!(Transcript::fold(session, &[]), Err(Error::Empty(session)));
        let unbegun = [(1, fixture::at(fixture::planned("x")))];
        assert_eq!(Transcript::fold(session, &unbegun), Err(Error::NoSubmission("planned")));
        for bad in [
            vec![fixture::observed(1, "")],
            vec![fixture::written(1, "a"), fixture::observed(2, "")],
            vec![fixture::written(1, "a"), fixture::written(2, "b")],
            vec![fixture::cancelled(), fixture::written(1, "a")],
        ] {
            let error = Transcript::fold(session, &fixture::journal(bad)).unwrap_err();
            assert!(matches!(error, Error::OutOfOrder { .. }), "{error}");
        }
    }

    #[test]
    fn a_cell_that_cost_its_interpreter_is_not_replayed() {
        let mut seen = fixture::observation(1, "");
        seen.state_lost = true;
        let journal = fixture::journal(vec![
            fixture::written(1, "while True: pass"),
            EventKind::Observed { observation: seen, walls: String::new() },
        ]);
        let transcript = Transcript::fold(fixture::session(), &journal).unwrap();
        assert_eq!(transcript.replayed().count(), 0);
        assert!(transcript.pending().is_none());
    }

    #[test]
    fn answers_of_cells_that_left_nothing_behind_are_brought_along() {
        let looked = |step, text: &str, state_lost| {
            let vision = vec![fixture::look(text, false), fixture::look("in vain", true)];
            let usage = fixture::usage();
            let seen =
                Observation { vision, vision_usage: usage, state_lost, ..fixture::observation(step, "") };
            EventKind::Observed { observation: seen, walls: String::new() }
        };
        let journal = fixture::journal(vec![
            fixture::written(1, "kept"),
            looked(1, "kept", false),
            fixture::written(2, "lost"),
            looked(2, "lost", true),
            fixture::written(3, "lost too"),
            looked(3, &"long".repeat(TOLD_IN_VAIN), true),
            fixture::written(4, "lost again"),
            looked(4, "lost again", true),
        ]);
        let transcript = Transcript::fold(fixture::session(), &journal).unwrap();
        let texts = |told: Vec<VisionCall>| told.into_iter().map(|call| call.asked.text).collect::<Vec<_>>();
        assert_eq!(texts(transcript.told(0)), ["kept", "in vain"], "a replay meets its failures again");
        assert_eq!(texts(transcript.told_in_vain()), ["lost again"], "as many of the latest as fit");
        assert_eq!(transcript.usage.calls, 8, "four cells and their looks");
    }
}
