//! Four verbs over the bus.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use spatialclaw_bus::{self as bus, AppendError, Bus, Envelope, Follow, Queue};
use spatialclaw_domain::{Event, EventKind, Fault, FaultKind, Question, SessionId};
use spatialclaw_proto::session::v1::PlanJob;
use tracing::{Instrument as _, info_span};

use crate::QuestionResult;

/// The gateway could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such session.
    #[error("no question has the id {0}")]
    NotFound(SessionId),
    /// The session has already ended.
    #[error("question {0} has already ended")]
    Ended(SessionId),
    /// The bus failed.
    #[error("the bus failed")]
    Bus(#[from] bus::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::NotFound(_) => FaultKind::NotFound,
            Error::Ended(_) => FaultKind::Conflict,
            Error::Bus(_) => FaultKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

/// The front door.
#[derive(Clone)]
pub struct Gateway {
    bus: Bus,
}

impl Gateway {
    /// A door to `bus`.
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// The bus behind the door.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Accepts a question. Submitting the same session again changes nothing.
    ///
    /// Cancel safety: dropping the future half-way leaves a journal without a
    /// queued job; submitting again repairs that.
    ///
    /// # Errors
    /// If the bus fails; submitting again is safe.
    pub async fn submit(&self, question: Question) -> Result<SessionId, Error> {
        let session = question.session;
        let span = info_span!(
            "submit",
            otel.kind = "producer",
            spatialclaw.session = %session,
            spatialclaw.label = %question.label,
            spatialclaw.frames = question.frames.len(),
        );
        self.accept(question).instrument(span).await?;
        Ok(session)
    }

    async fn accept(&self, question: Question) -> Result<(), Error> {
        let session = question.session;
        let traceparent = Envelope::current_traceparent().unwrap_or_default();
        let submitted = event(EventKind::Submitted { question: question.clone(), traceparent });
        match self.bus.append(session, &submitted, 0).await {
            Ok(_) => {}
            // Somebody submitted this session before, perhaps ourselves before a crash:
            // queueing it again is a no-op if its job is still known.
            Err(AppendError::Conflict { .. }) if self.has_ended(session).await? => return Ok(()),
            Err(AppendError::Conflict { .. }) => {}
            Err(AppendError::Carrier(error)) => return Err(error.into()),
        }
        let job = PlanJob { question: Some(question.into()) };
        Ok(self.bus.enqueue(Queue::Plan, &session.to_string(), &job).await?)
    }

    async fn has_ended(&self, session: SessionId) -> Result<bool, Error> {
        let events = self.bus.read(session, 0).await?;
        Ok(events.last().is_some_and(|(_, event)| event.kind.outcome().is_some()))
    }

    /// Everything known of a session so far.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a session nobody submitted.
    pub async fn events(&self, session: SessionId) -> Result<Vec<Event>, Error> {
        let events = self.bus.read(session, 0).await?;
        if events.is_empty() {
            return Err(Error::NotFound(session));
        }
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }

    /// A session's events after sequence number `after`, as they happen; it ends by itself never.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a session nobody submitted.
    pub async fn follow(&self, session: SessionId, after: u64) -> Result<Follow, Error> {
        self.events(session).await?;
        Ok(self.bus.follow(session, after).await?)
    }

    /// Whether a session has ended and its closing event is not past `seen`: there is nothing more to follow.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a session nobody submitted.
    pub async fn is_told(&self, session: SessionId, seen: u64) -> Result<bool, Error> {
        let events = self.bus.read(session, 0).await?;
        let (last, event) = events.last().ok_or(Error::NotFound(session))?;
        Ok(event.kind.outcome().is_some() && *last <= seen)
    }

    /// Where a session stands.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a session nobody submitted.
    pub async fn result(&self, session: SessionId) -> Result<QuestionResult, Error> {
        Ok(QuestionResult::of(session, &self.events(session).await?))
    }

    /// Waits for a session's closing event.
    ///
    /// # Errors
    /// If the bus fails. The caller brings the deadline.
    pub async fn outcome(&self, session: SessionId) -> Result<QuestionResult, Error> {
        let mut follow = self.follow(session, 0).await?;
        loop {
            let (_, event) = follow.next().await?;
            if event.kind.outcome().is_some() {
                return self.result(session).await;
            }
        }
    }

    /// Withdraws a question. Whoever works on it follows the journal and stops.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Ended`] if it was too late.
    pub async fn cancel(&self, session: SessionId, reason: &str) -> Result<(), Error> {
        let cancelled = event(EventKind::Cancelled { reason: reason.to_owned() });
        loop {
            let events = self.bus.read(session, 0).await?;
            let Some((last, latest)) = events.last() else { return Err(Error::NotFound(session)) };
            if latest.kind.outcome().is_some() {
                return Err(Error::Ended(session));
            }
            match self.bus.append(session, &cancelled, *last).await {
                Ok(_) => return Ok(()),
                // The session moved on between reading and writing: look again.
                Err(AppendError::Conflict { .. }) => {}
                Err(AppendError::Carrier(error)) => return Err(error.into()),
            }
        }
    }
}

fn event(kind: EventKind) -> Event {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Event { at_unix_ms: now.as_millis() as u64, kind }
}
