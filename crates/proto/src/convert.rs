//! Between the wire and the domain.
//!
//! Outwards conversion cannot fail (`From`); inwards it can ([`TryFrom`], with
//! an [`Error`] naming the field), because outside data is parsed at the edge
//! and the inside has no optional field that is always there.

mod event;
mod frame;
mod question;
mod turn;
mod vision;

use spatialclaw_domain::{ArtifactRef, Digest, Fault, FaultKind};

use crate::session::v1 as wire;

/// A message that is well-formed protobuf but not a valid value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A field that must be there is not.
    #[error("field `{0}` is missing")]
    Missing(&'static str),
    /// A field holds something it must not.
    #[error("field `{field}`: {reason}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    fn invalid(field: &'static str, reason: impl ToString) -> Self {
        Self::Invalid { field, reason: reason.to_string() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::new(FaultKind::Invalid, format!("unreadable message: {error}"))
    }
}

/// The value of a message field that must be set.
fn required<T>(field: Option<T>, name: &'static str) -> Result<T, Error> {
    field.ok_or(Error::Missing(name))
}

/// Converts every item of a repeated field outwards.
fn out<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

/// Converts every item of a repeated field inwards.
fn inward<A, B: TryFrom<A, Error = Error>>(items: Vec<A>) -> Result<Vec<B>, Error> {
    items.into_iter().map(B::try_from).collect()
}

impl From<ArtifactRef> for wire::ArtifactRef {
    fn from(artifact: ArtifactRef) -> Self {
        Self {
            digest: artifact.digest.as_bytes().to_vec().into(),
            size: artifact.size,
            media_type: artifact.media_type,
        }
    }
}

impl TryFrom<wire::ArtifactRef> for ArtifactRef {
    type Error = Error;

    fn try_from(artifact: wire::ArtifactRef) -> Result<Self, Error> {
        let raw: [u8; 32] = artifact.digest.as_ref().try_into().map_err(|_| {
            Error::invalid("digest", format!("expected 32 bytes, got {}", artifact.digest.len()))
        })?;
        Ok(Self { digest: Digest::from(raw), size: artifact.size, media_type: artifact.media_type })
    }
}

impl From<FaultKind> for wire::FaultKind {
    fn from(kind: FaultKind) -> Self {
        match kind {
            FaultKind::Invalid => Self::Invalid,
            FaultKind::NotFound => Self::NotFound,
            FaultKind::Unavailable => Self::Unavailable,
            FaultKind::Deadline => Self::Deadline,
            FaultKind::Exhausted => Self::Exhausted,
            FaultKind::Conflict => Self::Conflict,
            FaultKind::Cancelled => Self::Cancelled,
            FaultKind::Internal => Self::Internal,
        }
    }
}

impl From<wire::FaultKind> for FaultKind {
    /// A kind a newer peer added reads as a bug of ours: it is reported, never retried blindly.
    fn from(kind: wire::FaultKind) -> Self {
        match kind {
            wire::FaultKind::Invalid => Self::Invalid,
            wire::FaultKind::NotFound => Self::NotFound,
            wire::FaultKind::Unavailable => Self::Unavailable,
            wire::FaultKind::Deadline => Self::Deadline,
            wire::FaultKind::Exhausted => Self::Exhausted,
            wire::FaultKind::Conflict => Self::Conflict,
            wire::FaultKind::Cancelled => Self::Cancelled,
            wire::FaultKind::Internal | wire::FaultKind::Unspecified => Self::Internal,
        }
    }
}

impl From<Fault> for wire::Fault {
    fn from(fault: Fault) -> Self {
        Self {
            kind: wire::FaultKind::from(fault.kind).into(),
            message: fault.message,
            retry_after_ms: fault.retry_after.map(|wait| wait.as_millis() as u64),
        }
    }
}

impl From<wire::Fault> for Fault {
    fn from(fault: wire::Fault) -> Self {
        Self {
            kind: fault.kind().into(),
            message: fault.message,
            retry_after: fault.retry_after_ms.map(std::time::Duration::from_millis),
        }
    }
}
