//! Journal entries.

use spatialclaw_domain::{Event, EventKind};

use super::{Error, inward, out, required};
use crate::session::v1::{self as wire, event::Kind};

impl From<Event> for wire::Event {
    fn from(event: Event) -> Self {
        Self { at_unix_ms: event.at_unix_ms, kind: Some(event.kind.into()) }
    }
}

impl From<&Event> for wire::Event {
    fn from(event: &Event) -> Self {
        event.clone().into()
    }
}

impl From<EventKind> for Kind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Submitted { question, traceparent } => {
                Self::Submitted(wire::Submitted { question: Some(question.into()), traceparent })
            }
            EventKind::Planned { plan } => Self::Planned(wire::Planned { plan: Some(plan.into()) }),
            EventKind::CellWritten { cell, raw, usage, model, seconds } => {
                Self::CellWritten(wire::CellWritten {
                    cell: Some(cell.into()),
                    raw,
                    usage: Some(usage.into()),
                    model,
                    seconds,
                })
            }
            EventKind::ReplyRejected { step, reason, raw, usage } => {
                Self::ReplyRejected(wire::ReplyRejected { step, reason, raw, usage: Some(usage.into()) })
            }
            EventKind::Observed { observation, walls } => {
                Self::Observed(wire::Observed { observation: Some(observation.into()), walls })
            }
            EventKind::KernelLost { step, reason } => Self::KernelLost(wire::KernelLost { step, reason }),
            EventKind::Answered { answer, steps, usage, seconds, evidence } => {
                Self::Answered(wire::Answered {
                    answer: Some(answer.into()),
                    steps,
                    usage: Some(usage.into()),
                    seconds,
                    evidence: out(evidence),
                })
            }
            EventKind::Unanswered { reason, steps, usage, seconds } => {
                Self::Unanswered(wire::Unanswered { reason, steps, usage: Some(usage.into()), seconds })
            }
            EventKind::Failed { fault, steps, usage, seconds } => Self::Failed(wire::Failed {
                fault: Some(fault.into()),
                steps,
                usage: Some(usage.into()),
                seconds,
            }),
            EventKind::Cancelled { reason } => Self::Cancelled(wire::Cancelled { reason }),
            EventKind::Reopened { reason } => Self::Reopened(wire::Reopened { reason }),
        }
    }
}

impl TryFrom<wire::Event> for Event {
    type Error = Error;

    fn try_from(event: wire::Event) -> Result<Self, Error> {
        Ok(Self { at_unix_ms: event.at_unix_ms, kind: required(event.kind, "event.kind")?.try_into()? })
    }
}

impl TryFrom<Kind> for EventKind {
    type Error = Error;

    fn try_from(kind: Kind) -> Result<Self, Error> {
        Ok(match kind {
            Kind::Submitted(it) => Self::Submitted {
                question: required(it.question, "submitted.question")?.try_into()?,
                traceparent: it.traceparent,
            },
            Kind::Planned(it) => Self::Planned { plan: required(it.plan, "planned.plan")?.into() },
            Kind::CellWritten(it) => Self::CellWritten {
                cell: required(it.cell, "cell_written.cell")?.into(),
                raw: it.raw,
                usage: it.usage.map(Into::into).unwrap_or_default(),
                model: it.model,
                seconds: it.seconds,
            },
            Kind::ReplyRejected(it) => Self::ReplyRejected {
                step: it.step,
                reason: it.reason,
                raw: it.raw,
                usage: it.usage.map(Into::into).unwrap_or_default(),
            },
            Kind::Observed(it) => Self::Observed {
                observation: required(it.observation, "observed.observation")?.try_into()?,
                walls: it.walls,
            },
            Kind::KernelLost(it) => Self::KernelLost { step: it.step, reason: it.reason },
            Kind::Answered(it) => Self::Answered {
                answer: required(it.answer, "answered.answer")?.into(),
                steps: it.steps,
                usage: it.usage.map(Into::into).unwrap_or_default(),
                seconds: it.seconds,
                evidence: inward(it.evidence)?,
            },
            Kind::Unanswered(it) => Self::Unanswered {
                reason: it.reason,
                steps: it.steps,
                usage: it.usage.map(Into::into).unwrap_or_default(),
                seconds: it.seconds,
            },
            Kind::Failed(it) => Self::Failed {
                fault: required(it.fault, "failed.fault")?.into(),
                steps: it.steps,
                usage: it.usage.map(Into::into).unwrap_or_default(),
                seconds: it.seconds,
            },
            Kind::Cancelled(it) => Self::Cancelled { reason: it.reason },
            Kind::Reopened(it) => Self::Reopened { reason: it.reason },
        })
    }
}
