//! Errors as they cross the bus.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What went wrong, in one of a short list of kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What a caller can decide on.
    pub kind: FaultKind,
    /// What a person can act on: names the thing and the fix.
    pub message: String,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
}

/// What a caller can decide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request can never work.
    Invalid,
    /// The named thing does not exist.
    NotFound,
    /// Nobody there, or not now.
    Unavailable,
    /// It took too long.
    Deadline,
    /// A bound was hit.
    Exhausted,
    /// Somebody else was first.
    Conflict,
    /// The caller no longer wants it.
    Cancelled,
    /// A bug of ours.
    Internal,
}

impl FaultKind {
    /// One word, as metrics and results name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Unavailable => "unavailable",
            Self::Deadline => "deadline",
            Self::Exhausted => "exhausted",
            Self::Conflict => "conflict",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

impl Fault {
    /// A fault of `kind` saying `message`.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// The same, naming when to try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Whether the same request may work later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, FaultKind::Unavailable | FaultKind::Deadline | FaultKind::Exhausted)
    }
}
