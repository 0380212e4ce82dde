//! Where a question stands, as callers read it.

use serde::{Deserialize, Serialize};
use spatialclaw_domain::{Event, EventKind, Fault, Outcome, SessionId, Usage};
use utoipa::ToSchema;

/// Where a question stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuestionResult {
    /// Session id, 32 hex digits.
    pub id: String,
    /// The caller's own name for it.
    pub label: String,
    /// Where it stands.
    pub status: Status,
    /// The answer as text; absent until answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The answer as a number, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<f64>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it took so far.
    pub cost: Cost,
    /// Content addresses of the pictures shown on the way.
    pub evidence: Vec<String>,
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting for a planner.
    Queued,
    /// Being worked on.
    Working,
    /// Answered.
    Answered,
    /// Ended without an answer, for a stated reason.
    Unanswered,
    /// Failed.
    Error,
    /// Withdrawn.
    Cancelled,
}

/// What a question took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// Cells and rejected replies.
    pub steps: u32,
    /// Calls from cells to perception and to the vision model.
    pub tool_calls: u32,
    /// Language-model requests.
    pub model_calls: u64,
    /// Tokens read by language models.
    pub prompt_tokens: u64,
    /// Tokens written by language models.
    pub completion_tokens: u64,
    /// Seconds from submission to the latest event.
    pub seconds: f64,
}

impl Cost {
    fn spend(&mut self, usage: Usage) {
        self.model_calls += usage.calls;
        self.prompt_tokens += usage.prompt_tokens;
        self.completion_tokens += usage.completion_tokens;
    }
}

impl QuestionResult {
    /// Folds a journal into where it stands.
    pub fn of(session: SessionId, events: &[Event]) -> Self {
        let mut result = Self {
            id: session.to_string(),
            label: String::new(),
            status: Status::Queued,
            answer: None,
            number: None,
            error: None,
            cost: Cost::default(),
            evidence: Vec::new(),
        };
        let started = events.first().map_or(0, |event| event.at_unix_ms);
        for event in events {
            result.cost.seconds = event.at_unix_ms.saturating_sub(started) as f64 / 1000.0;
            result.apply(&event.kind);
        }
        result
    }

    fn apply(&mut self, event: &EventKind) {
        self.status = status(event);
        match event {
            EventKind::Submitted { question, .. } => self.label.clone_from(&question.label),
            EventKind::Planned { plan } => self.cost.spend(plan.usage),
            EventKind::CellWritten { usage, .. } | EventKind::ReplyRejected { usage, .. } => {
                self.cost.steps += 1;
                self.cost.spend(*usage);
            }
            EventKind::Observed { observation, .. } => {
                self.cost.tool_calls += observation.tool_calls.len() as u32;
                self.cost.spend(observation.vision_usage);
                self.evidence.extend(observation.shown.iter().map(|shown| shown.image.digest.to_string()));
            }
            EventKind::KernelLost { .. } => {}
            EventKind::Reopened { .. } => self.error = None,
            EventKind::Answered { answer, .. } => {
                self.answer = Some(answer.text.clone());
                self.number = answer.number;
            }
            EventKind::Unanswered { reason, .. } | EventKind::Cancelled { reason } => {
                self.error = Some(reason.clone());
            }
            EventKind::Failed { fault: Fault { message, .. }, .. } => self.error = Some(message.clone()),
        }
    }

    /// Whether the session has ended.
    pub fn is_final(&self) -> bool {
        !matches!(self.status, Status::Queued | Status::Working)
    }
}

fn status(event: &EventKind) -> Status {
    match (event.outcome(), event) {
        (Some(Outcome::Answered), _) => Status::Answered,
        (Some(Outcome::Unanswered), _) => Status::Unanswered,
        (Some(Outcome::Error), _) => Status::Error,
        (Some(Outcome::Cancelled), _) => Status::Cancelled,
        (None, EventKind::Submitted { .. }) => Status::Queued,
        (None, _) => Status::Working,
    }
}
