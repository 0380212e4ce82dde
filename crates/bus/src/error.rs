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
    /// A message is larger than a carrier takes.
    #[error(
        "{what} is {size} bytes, more than the {} a message may have: put large bytes into the artifact store and send \
         their reference",
        crate::envelope::MAX_BODY
    )]
    TooLarge {
        /// e.g. `the job`.
        what: String,
        /// In bytes.
        size: usize,
    },
    /// Somebody holds the lease.
    #[error("the lease `{0}` is held")]
    Held(String),
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

impl Error {
    /// The carrier failed at `step` because of `cause`.
    pub(crate) fn carrier(
        step: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Carrier { step, cause: cause.into() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Config(_) | Error::TooLarge { .. } => FaultKind::Invalid,
            Error::Carrier { .. } => FaultKind::Unavailable,
            Error::Held(_) => FaultKind::Conflict,
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
