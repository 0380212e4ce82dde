//! What can go wrong on a bus.

use spatialclaw_domain::{Fault, FaultKind};

/// The carrier or the artifact store failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot work.
    #[error("{0}")]
    Config(String),
    /// The carrier failed at a step.
    #[error("{step} failed")]
    Carrier {
        /// e.g. `append to the journal`.
        step: &'static str,
        /// The carrier's own error.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A queue is full.
    #[error("the queue `{0}` is full")]
    QueueFull(&'static str),
    /// What was read is no message of ours.
    #[error("{step}: unreadable message: {reason}")]
    Unreadable {
        /// e.g. `read the journal`.
        step: &'static str,
        /// Why.
        reason: String,
    },
    /// The artifact store does not hold it.
    #[error("artifact {0} is not in the store")]
    NoArtifact(spatialclaw_domain::Digest),
    /// What the artifact store holds is not what was put.
    #[error("artifact {0} is damaged in the store")]
    DamagedArtifact(spatialclaw_domain::Digest),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Config(_) => FaultKind::Invalid,
            Error::Carrier { .. } => FaultKind::Unavailable,
            Error::QueueFull(_) => FaultKind::Exhausted,
            Error::Unreadable { .. } | Error::DamagedArtifact(_) => FaultKind::Internal,
            Error::NoArtifact(_) => FaultKind::NotFound,
        };
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(source) = cause {
            text = format!("{text}: {source}");
            cause = source.source();
        }
        Self::new(kind, text)
    }
}

/// An entry was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first.
    #[error("the journal has moved on")]
    Conflict {
        /// Its last entry, where known.
        last: Option<u64>,
    },
    /// The carrier failed; whether the entry was appended is unknown.
    #[error(transparent)]
    Carrier(#[from] Error),
}
