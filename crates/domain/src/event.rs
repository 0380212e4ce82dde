//! What a journal holds.
//!
//! ```text
//! submitted → planned → (cell_written → observed | reply_rejected | kernel_lost)*
//!           → answered | unanswered | failed | cancelled
//!                                      └─ reopened → …
//! ```
//!
//! The journal is the progress feed, the audit, and the memory from which
//! another codegen resumes a session.

use serde::{Deserialize, Serialize};

use crate::{Answer, ArtifactRef, Cell, Fault, Observation, Plan, Question, Usage};

/// One entry of a session's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since the Unix epoch, by the writer's clock.
    pub at_unix_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The question was accepted.
    Submitted {
        /// As accepted.
        question: Question,
        /// W3C trace context of the submission, so that a resumed session joins the same trace.
        traceparent: String,
    },
    /// A plan was made.
    Planned {
        /// The plan.
        plan: Plan,
    },
    /// The model wrote a cell; it has not run yet.
    CellWritten {
        /// The cell.
        cell: Cell,
        /// The reply it was parsed from.
        raw: String,
        /// What the reply cost.
        usage: Usage,
        /// Who wrote it.
        model: String,
        /// How long the model took.
        seconds: f64,
    },
    /// The model's reply could not be read; it costs a step.
    ReplyRejected {
        /// The step it would have been.
        step: u32,
        /// Why, as the model is told.
        reason: String,
        /// The reply.
        raw: String,
        /// What it cost.
        usage: Usage,
    },
    /// A cell ran.
    Observed {
        /// What came back.
        observation: Observation,
        /// Isolation level it ran under.
        walls: String,
    },
    /// The kernel went away under the session; its cells are replayed on a fresh one.
    KernelLost {
        /// The step that was running or about to.
        step: u32,
        /// What is known.
        reason: String,
    },
    /// The question has its answer.
    Answered {
        /// The answer.
        answer: Answer,
        /// Steps it took.
        steps: u32,
        /// Tokens in all.
        usage: Usage,
        /// Wall clock from submission.
        seconds: f64,
        /// Images shown on the way, for the reader who wants to see.
        evidence: Vec<ArtifactRef>,
    },
    /// The loop ended without an answer.
    Unanswered {
        /// Why: which budget ran out, or what the model said.
        reason: String,
        /// Steps it took.
        steps: u32,
        /// Tokens in all.
        usage: Usage,
        /// Wall clock from submission.
        seconds: f64,
    },
    /// A service failed for good.
    Failed {
        /// How.
        fault: Fault,
        /// Steps until then.
        steps: u32,
        /// Tokens in all.
        usage: Usage,
        /// Wall clock from submission.
        seconds: f64,
    },
    /// A failed session is gone on with, because somebody asked for that.
    Reopened {
        /// By whom or why.
        reason: String,
    },
    /// The caller withdrew the question.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// Without one, for a stated reason.
    Unanswered,
    /// On a fault.
    Error,
    /// Withdrawn.
    Cancelled,
}

impl EventKind {
    /// How the session ended, if this event ends it.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Answered { .. } => Some(Outcome::Answered),
            Self::Unanswered { .. } => Some(Outcome::Unanswered),
            Self::Failed { .. } => Some(Outcome::Error),
            Self::Cancelled { .. } => Some(Outcome::Cancelled),
            _ => None,
        }
    }

    /// The event's name on the wire and in feeds.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::Planned { .. } => "planned",
            Self::CellWritten { .. } => "cell_written",
            Self::ReplyRejected { .. } => "reply_rejected",
            Self::Observed { .. } => "observed",
            Self::KernelLost { .. } => "kernel_lost",
            Self::Answered { .. } => "answered",
            Self::Unanswered { .. } => "unanswered",
            Self::Failed { .. } => "failed",
            Self::Reopened { .. } => "reopened",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}
