//! The journal, told in order: a question, a plan, steps, an ending.

use spatialclaw_domain::{Answer, Cell, Event, EventKind, Fault, Observation, Plan, Question, Usage};

/// What a journal tells.
#[derive(Debug)]
pub struct Story<'a> {
    /// What was asked.
    pub question: &'a Question,
    /// W3C trace context of the submission; empty if none travelled with it.
    pub traceparent: &'a str,
    /// The plan, once made.
    pub plan: Option<&'a Plan>,
    /// What was tried, in order.
    pub steps: Vec<Step<'a>>,
    /// How it ended, if it has.
    pub ending: Option<Ending<'a>>,
    /// Tokens over everything told so far.
    pub usage: Usage,
    /// Seconds from the first to the last event.
    pub seconds: f64,
}

/// One step.
#[derive(Debug)]
pub enum Step<'a> {
    /// A cell, and what came back if it has run.
    Cell {
        /// What was written.
        cell: &'a Cell,
        /// What came back.
        observation: Option<&'a Observation>,
        /// Isolation level it ran under.
        walls: &'a str,
        /// How long the model took, seconds.
        thinking: f64,
    },
    /// A reply that could not be read.
    Rejected {
        /// The step it would have been.
        step: u32,
        /// Why.
        reason: &'a str,
        /// The reply.
        raw: &'a str,
    },
    /// The kernel went away and its cells were replayed.
    KernelLost {
        /// During which step.
        step: u32,
        /// What is known.
        reason: &'a str,
    },
}

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// With an answer.
    Answered(&'a Answer),
    /// Without one.
    Unanswered(&'a str),
    /// On a fault.
    Failed(&'a Fault),
    /// Withdrawn.
    Cancelled(&'a str),
}

impl<'a> Story<'a> {
    /// Reads a journal; `None` if it does not begin with a question.
    pub fn of(events: &'a [Event]) -> Option<Self> {
        let first = events.first()?;
        let EventKind::Submitted { question, traceparent } = &first.kind else { return None };
        let last = events.last()?;
        let mut story = Self {
            question,
            traceparent,
            plan: None,
            steps: Vec::new(),
            ending: None,
            usage: Usage::default(),
            seconds: last.at_unix_ms.saturating_sub(first.at_unix_ms) as f64 / 1000.0,
        };
        events[1..].iter().for_each(|event| story.tell(&event.kind));
        Some(story)
    }

    fn tell(&mut self, event: &'a EventKind) {
        match event {
            EventKind::Submitted { .. } => {}
            EventKind::Planned { plan } => {
                self.plan = Some(plan);
                self.usage += plan.usage;
            }
            EventKind::CellWritten { cell, usage, seconds, .. } => {
                self.usage += *usage;
                self.steps.push(Step::Cell { cell, observation: None, walls: "", thinking: *seconds });
            }
            EventKind::ReplyRejected { step, reason, raw, usage } => {
                self.usage += *usage;
                self.steps.push(Step::Rejected { step: *step, reason, raw });
            }
            EventKind::Observed { observation, walls } => {
                self.usage += observation.vision_usage;
                self.observed(observation, walls);
            }
            EventKind::KernelLost { step, reason } => {
                self.steps.push(Step::KernelLost { step: *step, reason });
            }
            EventKind::Answered { answer, .. } => self.ending = Some(Ending::Answered(answer)),
            EventKind::Unanswered { reason, .. } => self.ending = Some(Ending::Unanswered(reason)),
            EventKind::Failed { fault, .. } => self.ending = Some(Ending::Failed(fault)),
            EventKind::Cancelled { reason } => self.ending = Some(Ending::Cancelled(reason)),
            EventKind::Reopened { .. } => self.ending = None,
        }
    }

    /// Joins an observation to its cell, past any kernel loss in between.
    fn observed(&mut self, seen: &'a Observation, under: &'a str) {
        for step in self.steps.iter_mut().rev() {
            if let Step::Cell { cell, observation, walls, .. } = step
                && cell.step == seen.step
            {
                *observation = Some(seen);
                *walls = under;
                return;
            }
        }
    }
}
